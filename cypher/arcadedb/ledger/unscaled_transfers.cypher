// A page of a token's transfers, by its index: it comes in the order of the index by itself, and
// would be read whole and sorted if the statement asked for that order. Digests of owners may
// collide, so the rows name their token.
// $low, $high bounds of token_key   $limit
MATCH (t:Transfer) WHERE t.token_key > $low AND t.token_key < $high
WITH t LIMIT $limit
RETURN t.id AS id, t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.amount_raw AS amount_raw, t.amount AS amount, t.token_key AS token_key
