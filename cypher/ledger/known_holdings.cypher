// Totals of holdings.
// $ids
UNWIND $ids AS id
MATCH (h:Holding {id: id})
RETURN h.id AS id, h.wallet AS wallet, h.token AS token, h.received_raw AS received_raw,
       h.sent_raw AS sent_raw, h.transfers AS transfers, h.uncounted AS uncounted,
       h.first_at AS first_at, h.last_at AS last_at, h.since_block AS since_block
