// Labels whose ids lie in a range, and when they were taken back.
// $first and $last  bounds of ids, the second left out   uses constraint label_id
MATCH (l:Label)
WHERE l.id >= $first AND l.id < $last
RETURN l.id AS id, l.withdrawn_at AS withdrawn_at
