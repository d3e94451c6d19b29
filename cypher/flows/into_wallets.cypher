// All flows into wallets that have not very many of them.
// $wallets ids
UNWIND $wallets AS id
MATCH (:Wallet {id: id})<-[:FLOW_TO]-(f)
RETURN id AS owner, null AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
