// Totals of holdings as they are kept, in the order of their ids.
// $after id of the last one of the page before   $limit   uses constraint holding_id
MATCH (h:Holding) WHERE h.id > $after
WITH h ORDER BY h.id LIMIT $limit
RETURN h.id AS id, h.wallet AS wallet, h.token AS token, h.received_raw AS received_raw,
       h.sent_raw AS sent_raw, h.transfers AS transfers, h.uncounted AS uncounted,
       h.first_at AS first_at, h.last_at AS last_at, h.since_block AS since_block
