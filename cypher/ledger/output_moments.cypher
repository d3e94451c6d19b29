// When outputs were created and spent by transactions that are loaded.
// $ids of outputs   uses constraint output_id
// The output comes first: the embedded engine begins where a pattern begins, with all transactions.
UNWIND $ids AS id
MATCH (o:Output {id: id})
MATCH (o)<-[:CREATED|SPENT]-(x:Transaction)
RETURN o.id AS id, x.block_number AS block_number, x.block_time AS block_time
