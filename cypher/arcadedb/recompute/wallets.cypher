// Counters of wallets as they are kept, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint wallet_id
MATCH (w:Wallet) WHERE w.id > $after
WITH w LIMIT $limit
RETURN w.id AS id, w.chain AS chain, w.kind AS kind, w.first_seen_at AS first_seen_at,
       w.last_seen_at AS last_seen_at, coalesce(w.transfers_in, 0) AS transfers_in,
       coalesce(w.transfers_out, 0) AS transfers_out, coalesce(w.flows_in, 0) AS flows_in,
       coalesce(w.flows_out, 0) AS flows_out, w.newest AS newest
