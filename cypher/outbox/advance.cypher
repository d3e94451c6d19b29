// The lowest number that a line still keeps.
// $id of the line   $first
MATCH (l:Line {id: $id})
SET l.first = $first
