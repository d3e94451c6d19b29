// Outputs, in the order of their ids.
// $after id of the last one of the page before   $limit   uses constraint output_id
MATCH (o:Output) WHERE o.id > $after
WITH o ORDER BY o.id LIMIT $limit
RETURN o.id AS id, o.chain AS chain, o.owner AS owner, o.amount_raw AS amount_raw,
       o.created AS created, o.spent AS spent
