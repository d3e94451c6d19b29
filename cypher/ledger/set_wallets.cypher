// New values of known wallets.
// $rows
UNWIND $rows AS r
MATCH (w:Wallet {id: r.id})
SET w.kind = r.kind, w.first_seen_at = r.first_seen_at, w.last_seen_at = r.last_seen_at,
    w.transfers_in = r.transfers_in, w.transfers_out = r.transfers_out,
    w.flows_in = r.flows_in, w.flows_out = r.flows_out, w.newest = r.newest
