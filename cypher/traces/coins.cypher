// The outputs that transactions spend and create, as traces need them.
// $ids of transactions   uses constraint transaction_id
UNWIND $ids AS id
MATCH (:Transaction {id: id})-[r:SPENT]->(o:Output)
RETURN id AS transaction, 'in' AS side, r.place AS place, o.id AS id, o.owner AS owner,
  o.amount_raw AS amount_raw
UNION ALL
UNWIND $ids AS id
MATCH (:Transaction {id: id})-[:CREATED]->(o:Output)
RETURN id AS transaction, 'out' AS side, null AS place, o.id AS id, o.owner AS owner,
  o.amount_raw AS amount_raw
