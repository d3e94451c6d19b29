// Wallets by their CAIP-10 ids; an id that is not there has no row.
// $ids   uses constraint wallet_id
UNWIND $ids AS id
MATCH (w:Wallet {id: id})
RETURN w.id AS id, w.chain AS chain, w.address AS address, w.kind AS kind,
  w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
  w.transfers_in AS transfers_in, w.transfers_out AS transfers_out,
  w.flows_in AS flows_in, w.flows_out AS flows_out, w.newest AS newest
