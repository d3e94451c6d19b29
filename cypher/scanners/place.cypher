// The newest block of a chain that is followed.
// $chain CAIP-2 id
MATCH (s:Scanner {id: $chain})
RETURN s.block AS block, s.hash AS hash
