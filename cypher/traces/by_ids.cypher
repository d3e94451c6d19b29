// Transfers by their ids, as traces need them.
// $ids   uses constraint transfer_id
UNWIND $ids AS id
MATCH (t:Transfer {id: id})
RETURN t.id AS owner, t.id AS key, t.id AS id,
  t.chain AS chain, t.transaction AS transaction, t.position AS position,
  t.sender AS sender, t.recipient AS recipient, t.token AS token, t.amount_raw AS amount_raw,
  t.block_number AS block_number, t.block_time AS block_time
