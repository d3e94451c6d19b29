// Times and newest key of a wallet, after a retraction.
// $wallet
MATCH (w:Wallet {id: $wallet})
OPTIONAL MATCH (w)-[:SENT|REACHED]-(t:Transfer)
WITH w, min(t.block_time) AS first_transfer, max(t.block_time) AS last_transfer,
     min(t.order_key) AS newest
OPTIONAL MATCH (w)-[:SIGNED|CALLED]-(x:Transaction)
RETURN first_transfer, last_transfer, newest, min(x.block_time) AS first_transaction,
       max(x.block_time) AS last_transaction
