// Swaps, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint swap_id
MATCH (s:Swap) WHERE s.id > $after
WITH s LIMIT $limit
RETURN s.id AS id, s.chain AS chain, s.pool AS wallet, s.block_number AS block_number,
       s.block_time AS block_time
