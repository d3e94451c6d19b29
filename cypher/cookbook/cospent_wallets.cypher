// Which addresses were spent together with this one (UTXO chains)?
// Inputs of one transaction usually have one owner. Transactions that look like a joint payment
// (three or more outputs of the same amount) are left out, since they are made to deceive here.
// $wallet  account  the address
// $limit   integer  rows; default 50
// Example: wallet=bitcoin:bc1qslyvc50y7g6f8yh29wyzmd0dlx32rxn3x93yn5
MATCH (:Wallet {id: $wallet})-[:OWNS]->(:Output)<-[:SPENT]-(x:Transaction)
WITH DISTINCT x
MATCH (x)-[:CREATED]->(paid:Output)
WITH x, paid.amount_raw AS amount_raw, count(paid) AS alike
WITH x, max(alike) AS alike
WHERE alike < 3
MATCH (x)-[:SPENT]->(coin:Output)<-[:OWNS]-(other:Wallet)
WHERE other.id <> $wallet
WITH other, count(DISTINCT x) AS transactions, count(DISTINCT coin) AS inputs, min(x.hash) AS one
RETURN other.id AS wallet, transactions, inputs, one AS transaction
ORDER BY transactions DESC, wallet
LIMIT $limit
