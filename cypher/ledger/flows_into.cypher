// All flows that end at one wallet: read once, when it becomes a hub.
// $wallet
MATCH (:Wallet {id: $wallet})<-[:FLOW_TO]-(f)
RETURN f.id AS id, f.transfers AS transfers
