// What the writer needs of wallets.
// $ids
UNWIND $ids AS id
MATCH (w:Wallet {id: id})
RETURN w.id AS id, w.kind AS kind, w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
       coalesce(w.transfers_in, 0) AS transfers_in, coalesce(w.transfers_out, 0) AS transfers_out,
       coalesce(w.flows_in, 0) AS flows_in, coalesce(w.flows_out, 0) AS flows_out,
       w.newest AS newest
