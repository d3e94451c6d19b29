// Counters of tokens as they are kept, in the order of their ids.
// $after id of the last one of the page before   $limit   uses constraint token_id
MATCH (t:Token) WHERE t.id > $after
WITH t ORDER BY t.id LIMIT $limit
RETURN t.id AS id, t.chain AS chain, t.decimals AS decimals, coalesce(t.transfers, 0) AS transfers,
       coalesce(t.holders, 0) AS holders, coalesce(t.unscaled, 0) AS unscaled
