// Approvals and swaps that transactions carry.
// $ids of transactions
UNWIND $ids AS id
MATCH (:Transaction {id: id})-[:APPROVED|SWAPPED]->(e)
RETURN e.id AS id, e.owner AS owner, e.spender AS spender, e.pool AS pool
