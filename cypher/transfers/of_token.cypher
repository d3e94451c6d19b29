// Transfers of a token, newest first: looks at up to $scan and
// returns up to $limit that pass the filters, how many it saw and the key of the last one.
// $branches of owner, after and end (keys, exclusive)
// $token $sender $recipient $party $since $until $min_raw $max_raw; null leaves one out
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.token_key > b.after AND t.token_key < b.end
  WITH t ORDER BY t.token_key LIMIT $scan
  WITH collect(CASE WHEN t.token = b.owner
    AND ($token IS NULL OR t.token = $token)
    AND ($sender IS NULL OR t.sender = $sender)
    AND ($recipient IS NULL OR t.recipient = $recipient)
    AND ($party IS NULL OR t.sender = $party OR t.recipient = $party)
    AND ($since IS NULL OR t.block_time >= $since)
    AND ($until IS NULL OR t.block_time <= $until)
    AND ($min_raw IS NULL OR size(t.amount_raw) > size($min_raw)
      OR (size(t.amount_raw) = size($min_raw) AND t.amount_raw >= $min_raw))
    AND ($max_raw IS NULL OR size(t.amount_raw) < size($max_raw)
      OR (size(t.amount_raw) = size($max_raw) AND t.amount_raw <= $max_raw))
    THEN t END)[0..$limit] AS found, count(t) AS scanned, max(t.token_key) AS last
  UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS t
  RETURN b.owner AS owner, 'any' AS side, scanned, last, t.token_key AS key,
    t.id AS id, t.chain AS chain, t.transaction AS transaction, t.position AS position,
    t.sender AS sender, t.recipient AS recipient, t.token AS token, t.amount_raw AS amount_raw,
    t.amount AS amount, t.block_number AS block_number, t.block_time AS block_time,
    t.derived AS derived, t.usd AS usd
}
RETURN owner, side, scanned, last, key, id, chain, transaction, position, sender, recipient, token,
  amount_raw, amount, block_number, block_time, derived, usd
