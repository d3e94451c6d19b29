// Who funded this wallet first?
// Its payers in the order of their first payment, with all that each ever paid it.
// $wallet  account  the wallet in question
// $limit   integer  rows; default 20
// Example: wallet=ethereum:0x7a185ed0593241de324344b4a7fef1cb4d148614
MATCH (:Wallet {id: $wallet})<-[road:FLOWED]-(payer:Wallet)
WITH payer, road.id AS flow
MATCH (f:Flow {id: flow})
WHERE f.first_at IS NOT NULL
OPTIONAL MATCH (k:Token {id: f.token})
WITH payer, f, k.symbol AS symbol
ORDER BY f.first_at, payer.id, f.id
LIMIT $limit
RETURN datetime({epochMillis: f.first_at}) AS first_at, payer.id AS payer,
  COLLECT { MATCH (payer)-[:HAS_LABEL]->(l:Label) WHERE l.withdrawn_at IS NULL
            RETURN l.label ORDER BY l.label } AS labels,
  symbol, f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount
