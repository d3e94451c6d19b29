// The newest followed block has another hash than was thought.
// $chain   $block number   $hash
MATCH (s:Scanner {id: $chain}) WHERE s.block = $block
SET s.hash = $hash
