// New wallets.
// $rows of id, chain, address and the properties
UNWIND $rows AS r
CREATE (:Wallet {id: r.id, chain: r.chain, address: r.address, kind: r.kind,
  first_seen_at: r.first_seen_at, last_seen_at: r.last_seen_at,
  transfers_in: r.transfers_in, transfers_out: r.transfers_out,
  flows_in: r.flows_in, flows_out: r.flows_out, newest: r.newest})
