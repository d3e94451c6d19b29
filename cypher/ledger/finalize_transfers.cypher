// Those of some transfers that nobody has called final yet, which they are from now on.
// $ids
UNWIND $ids AS id
MATCH (t:Transfer {id: id}) WHERE t.final IS NULL
SET t.final = true
RETURN t.id AS id, t.chain AS chain, t.transaction AS transaction, t.position AS position,
       t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.amount_raw AS amount_raw, t.amount AS amount, t.block_number AS block_number,
       t.block_time AS block_time, t.derived AS derived, t.order_key AS order_key
