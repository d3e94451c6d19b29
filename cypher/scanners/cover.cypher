// What was fetched of a chain, as of now.
// $chain   $ranges
MATCH (s:Scanner {id: $chain})
SET s.ranges = $ranges
