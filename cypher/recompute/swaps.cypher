// Swaps, in the order of their ids.
// $after id of the last one of the page before   $limit   uses constraint swap_id
MATCH (s:Swap) WHERE s.id > $after
WITH s ORDER BY s.id LIMIT $limit
RETURN s.id AS id, s.chain AS chain, s.pool AS wallet, s.block_number AS block_number,
       s.block_time AS block_time
