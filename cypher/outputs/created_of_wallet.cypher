// Outputs that transactions create and a wallet owns.
// $transactions ids   $wallet   $limit rows for each
UNWIND $transactions AS id
CALL (id) {
  MATCH (:Transaction {id: id})-[:CREATED]->(o:Output)
  WHERE o.owner = $wallet
  RETURN o ORDER BY size(o.id), o.id LIMIT $limit
}
RETURN id AS transaction, o.id AS id, o.chain AS chain, o.owner AS owner,
  o.amount_raw AS amount_raw, o.script AS script, o.created AS created, o.spent AS spent
