// Times of what is left of a wallet and a token, after a retraction.
// $wallet   $token
MATCH (:Wallet {id: $wallet})-[:SENT|REACHED]-(t:Transfer) WHERE t.token = $token
RETURN min(t.block_time) AS first_at, max(t.block_time) AS last_at,
       min(t.block_number) AS since_block
