// New totals of known flows.
// $rows
UNWIND $rows AS r
MATCH (f:Flow {id: r.id})
SET f.transfers = r.transfers, f.amount_raw = r.amount_raw, f.amount = r.amount,
    f.first_at = r.first_at, f.last_at = r.last_at,
    f.sender_rank = r.sender_rank, f.recipient_rank = r.recipient_rank
