// Transfers of a token that were loaded before its decimals were known.
// $low, $high bounds of token_key   $limit
MATCH (t:Transfer) WHERE t.token_key > $low AND t.token_key < $high
WITH t LIMIT $limit
RETURN t.id AS id, t.sender AS sender, t.recipient AS recipient, t.amount_raw AS amount_raw,
       t.amount AS amount, t.token_key AS token_key
