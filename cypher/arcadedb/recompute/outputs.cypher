// Outputs, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint output_id
MATCH (o:Output) WHERE o.id > $after
WITH o LIMIT $limit
RETURN o.id AS id, o.chain AS chain, o.owner AS owner, o.amount_raw AS amount_raw,
       o.created AS created, o.spent AS spent
