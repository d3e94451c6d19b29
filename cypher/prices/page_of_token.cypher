// A page of a token's transfers and what they are worth. Digests of owners may collide, so the
// rows name their token.
// $low (exclusive) and $high bounds of token_key   $limit   uses index transfer_token_key
MATCH (t:Transfer) WHERE t.token_key > $low AND t.token_key < $high
WITH t ORDER BY t.token_key LIMIT $limit
RETURN t.id AS id, t.token AS token, t.amount_raw AS amount_raw, t.block_time AS block_time,
       t.usd AS usd, t.token_key AS key
