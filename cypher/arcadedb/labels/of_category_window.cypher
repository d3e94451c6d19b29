// How many labels of a category lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (l:Label) WHERE l.category_key > $low AND l.category_key < $high
WITH l LIMIT $most
RETURN $number AS number, count(l) AS rows
