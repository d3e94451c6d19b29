// All flows that start at one wallet: read once, when it becomes a hub.
// $wallet
MATCH (:Wallet {id: $wallet})<-[:FLOW_FROM]-(f)
RETURN f.id AS id, f.transfers AS transfers
