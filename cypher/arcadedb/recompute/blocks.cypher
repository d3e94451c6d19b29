// Blocks, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint block_id
MATCH (b:Block) WHERE b.id > $after
WITH b LIMIT $limit
RETURN b.id AS id, b.chain AS chain, b.number AS number, b.time AS time
