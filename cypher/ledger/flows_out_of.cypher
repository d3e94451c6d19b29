// All flows that start at one wallet: read once, when it becomes a hub.
// $wallet
MATCH (:Wallet {id: $wallet})-[r:FLOWED]->()
WITH r.id AS id
MATCH (f:Flow {id: id})
RETURN f.id AS id, f.transfers AS transfers
