// When outputs of a wallet were created and spent, first and last.
// $wallet id
MATCH (:Wallet {id: $wallet})-[:OWNS]->(:Output)<-[:CREATED|SPENT]-(x:Transaction)
RETURN min(x.block_time) AS first_at, max(x.block_time) AS last_at,
       min(x.block_number) AS since_block
