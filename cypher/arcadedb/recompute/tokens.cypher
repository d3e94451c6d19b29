// Counters of tokens as they are kept, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint token_id
MATCH (t:Token) WHERE t.id > $after
WITH t LIMIT $limit
RETURN t.id AS id, t.chain AS chain, t.decimals AS decimals, coalesce(t.transfers, 0) AS transfers,
       coalesce(t.holders, 0) AS holders, coalesce(t.unscaled, 0) AS unscaled
