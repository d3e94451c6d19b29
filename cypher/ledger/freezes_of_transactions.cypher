// What issuers did in some transactions.
// $ids of transactions
UNWIND $ids AS id
MATCH (:Transaction {id: id})-[:RULED]->(f:Freeze)
RETURN f.id AS id, f.chain AS chain, f.kind AS kind, f.token AS token, f.wallet AS wallet,
  f.issuer AS issuer, f.symbol AS symbol, f.transaction AS transaction, f.position AS position,
  f.amount_raw AS amount_raw, f.block_number AS block_number, f.block_time AS block_time
