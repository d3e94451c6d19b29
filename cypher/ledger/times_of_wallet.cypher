// When a wallet was first and last seen, read from the facts themselves.
// $wallet id
MATCH (w:Wallet {id: $wallet})
OPTIONAL MATCH (w)-[:SENT|REACHED]-(t:Transfer)
WITH w, min(t.block_time) AS first_transfer, max(t.block_time) AS last_transfer,
     min(t.order_key) AS newest
OPTIONAL MATCH (w)-[:SIGNED|CALLED|GRANTED|IN_POOL]-(x)
RETURN first_transfer, last_transfer, newest, min(x.block_time) AS first_other,
       max(x.block_time) AS last_other
