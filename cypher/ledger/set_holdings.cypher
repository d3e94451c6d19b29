// New totals of known holdings.
// $rows
UNWIND $rows AS r
MATCH (h:Holding {id: r.id})
SET h.received_raw = r.received_raw, h.sent_raw = r.sent_raw, h.net_raw = r.net_raw,
    h.amount = r.amount, h.transfers = r.transfers, h.uncounted = r.uncounted,
    h.first_at = r.first_at, h.last_at = r.last_at, h.since_block = r.since_block,
    h.rank_key = r.rank_key
