// What was fetched of a chain.
// $chain CAIP-2 id
MATCH (s:Scanner {id: $chain})
RETURN s.ranges AS ranges
