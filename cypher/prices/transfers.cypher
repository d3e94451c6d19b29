// Some transfers, as far as their value is concerned.
// $ids
UNWIND $ids AS id
MATCH (t:Transfer {id: id})
RETURN t.id AS id, t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.amount_raw AS amount_raw, t.block_time AS block_time, t.usd AS usd,
       t.usd_source AS source, t.usd_at AS at
