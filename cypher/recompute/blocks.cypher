// Blocks, in the order of their ids.
// $after id of the last one of the page before   $limit   uses constraint block_id
MATCH (b:Block) WHERE b.id > $after
WITH b ORDER BY b.id LIMIT $limit
RETURN b.id AS id, b.chain AS chain, b.number AS number, b.time AS time
