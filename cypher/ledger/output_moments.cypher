// When outputs were created and spent by transactions that are loaded.
// $ids of outputs
UNWIND $ids AS id
MATCH (x:Transaction)-[:CREATED|SPENT]->(o:Output {id: id})
RETURN o.id AS id, x.block_number AS block_number, x.block_time AS block_time
