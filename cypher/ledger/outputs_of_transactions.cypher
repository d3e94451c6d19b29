// Outputs that transactions create and spend, a row for each tie.
// $ids of transactions
UNWIND $ids AS id
MATCH (:Transaction {id: id})-[r:CREATED|SPENT]->(o:Output)
RETURN type(r) AS tie, o.id AS id, o.owner AS owner, o.amount_raw AS amount_raw,
       o.script AS script, o.created AS created, o.spent AS spent
