// Times and newest key of what is left between a pair, after a retraction.
// $sender   $recipient   $token or null
MATCH (:Wallet {id: $sender})-[:SENT]->(t:Transfer)
WHERE t.recipient = $recipient AND (t.token = $token OR ($token IS NULL AND t.token IS NULL))
RETURN min(t.block_time) AS first_at, max(t.block_time) AS last_at
