// What is known of outputs.
// $ids
UNWIND $ids AS id
MATCH (o:Output {id: id})
RETURN o.id AS id, o.owner AS owner, o.amount_raw AS amount_raw, o.script AS script,
       o.created AS created, o.spent AS spent
