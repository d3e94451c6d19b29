// What wallets sent to some others.
// $pairs of near and far (ids)   $token or null for all   $since, $until epoch ms or null
UNWIND $pairs AS p
MATCH (:Wallet {id: p.near})-[:SENT]->(t)
WHERE t.recipient IN p.far
  AND ($token IS NULL OR t.token = $token)
  AND ($since IS NULL OR t.block_time >= $since)
  AND ($until IS NULL OR t.block_time <= $until)
RETURN t.id AS id, t.transaction AS transaction, t.position AS position,
  t.sender AS sender, t.recipient AS recipient, t.token AS token, t.amount_raw AS amount_raw,
  t.block_number AS block_number, t.block_time AS block_time
