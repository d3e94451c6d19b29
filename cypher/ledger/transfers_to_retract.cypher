// Transfers that turn out not to have happened.
// $ids
UNWIND $ids AS id
MATCH (t:Transfer {id: id})
RETURN t.id AS id, t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.amount_raw AS amount_raw, t.block_number AS block_number,
       t.block_time AS block_time, t.usd AS usd
