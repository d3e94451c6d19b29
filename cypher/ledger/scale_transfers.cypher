// Whole units of transfers whose token's decimals came after them.
// $rows of id and amount
UNWIND $rows AS r
MATCH (t:Transfer {id: r.id})
SET t.amount = r.amount
