// Transfers, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint transfer_id
MATCH (t:Transfer) WHERE t.id > $after
WITH t LIMIT $limit
RETURN t.id AS id, t.chain AS chain, t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.amount_raw AS amount_raw, t.amount AS amount, t.block_number AS block_number,
       t.block_time AS block_time, t.order_key AS order_key, t.usd AS usd
