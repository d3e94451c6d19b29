// Approvals and swaps of some blocks that have no time yet, and who was active by them. A MATCH
// behind the range would make the embedded engine leave the index; a list of patterns does not.
// $low, $high bounds of a transaction's order_key   uses index transaction_order_key
MATCH (x:Transaction) WHERE x.order_key >= $low AND x.order_key < $high
WITH [(x)-[:APPROVED|SWAPPED]->(e)
      WHERE e.block_time IS NULL AND e.block_number IS NOT NULL | e] AS events
UNWIND events AS e
RETURN e.id AS id, labels(e)[0] AS kind, e.block_number AS block_number, [e.owner, e.pool] AS by
