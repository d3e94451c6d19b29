// Which deposit addresses of exchanges did this wallet use?
// An address without a label of its own that pays nobody but wallets of one exchange. Found by what
// it does: another customer who pays nobody else looks the same.
// $wallet  account  the customer's wallet
// $most    integer  an address that pays more wallets than this is no deposit address; default 5
// $limit   integer  rows; default 50
// Example: wallet=ethereum:0xa481937284ba9810c9f24bc45253b4e6a5d53ec1
MATCH (:Wallet {id: $wallet})-[:FLOWED]->(deposit:Wallet)
WHERE deposit.id <> $wallet AND deposit.flows_out > 0 AND deposit.flows_out <= 4 * $most
WITH DISTINCT deposit
WHERE NOT EXISTS { MATCH (deposit)-[:HAS_LABEL]->(:Label) }
MATCH (deposit)-[road:FLOWED]->(paid:Wallet)
OPTIONAL MATCH (paid)-[:HAS_LABEL]->(l:Label)
WHERE l.category IN ['exchange', 'hot_wallet', 'cold_wallet'] AND l.withdrawn_at IS NULL
WITH deposit, paid, max(l.actor) AS exchange
WITH deposit, collect(DISTINCT exchange) AS exchanges, count(exchange) AS known, count(*) AS wallets
WHERE size(exchanges) = 1 AND known = wallets AND wallets <= $most
MATCH (:Wallet {id: $wallet})-[road:FLOWED]->(deposit)
WITH deposit, exchanges[0] AS exchange, road.id AS flow
MATCH (f:Flow {id: flow})
OPTIONAL MATCH (k:Token {id: f.token})
RETURN deposit.id AS deposit, exchange, k.symbol AS symbol, f.transfers AS transfers,
  f.amount_raw AS amount_raw, f.amount AS amount
ORDER BY transfers DESC, deposit, symbol
LIMIT $limit
