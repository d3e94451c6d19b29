// Where did the coins of this transaction go, hop after hop (UTXO chains)?
// Follows only transactions of one input and two outputs, as a peel chain has: the small output is
// the payment, the large one goes on.
// $transaction  transaction  the first transaction
// $limit        integer      rows; default 60
// Example: transaction=bitcoin:192702be654d33317bad8614c793883ad245685074ab043c6de99307d9494da0
MATCH (x:Transaction {id: $transaction})
MATCH path = (x)((from:Transaction)-[:CREATED]->(:Output)<-[:SPENT]-(next:Transaction
  WHERE COUNT { (next)-[:SPENT]->() } = 1 AND COUNT { (next)-[:CREATED]->() } = 2)
  ){0,40}(y:Transaction)
WITH y, min(length(path)) / 2 AS hop
ORDER BY hop, y.hash LIMIT $limit
MATCH (y)-[:CREATED]->(o:Output)
WITH hop, y, o ORDER BY size(o.amount_raw), o.amount_raw, o.id
WITH hop, y, collect(o) AS outputs
RETURN hop, y.hash AS transaction, outputs[0].owner AS paid, outputs[0].amount_raw AS paid_raw,
  CASE WHEN size(outputs) > 1 THEN outputs[-1].owner END AS rest,
  CASE WHEN size(outputs) > 1 THEN outputs[-1].amount_raw END AS rest_raw
ORDER BY hop, transaction
