// Outputs by their ids.
// $ids   uses constraint output_id
UNWIND $ids AS id
MATCH (o:Output {id: id})
RETURN o.id AS id, o.owner AS owner, o.amount_raw AS amount_raw
