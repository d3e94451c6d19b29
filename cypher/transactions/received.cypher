// Transactions that called or paid a wallet, newest first: looks at up to $scan and
// returns up to $limit that pass the filters, how many it saw and the key of the last one.
// $branches of owner, after and end (keys, exclusive)
// $status $method_id $party $since $until $min_raw $max_raw; null leaves one out
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.recipient_key > b.after AND x.recipient_key < b.end
  WITH x ORDER BY x.recipient_key LIMIT $scan
  WITH collect(CASE WHEN x.recipient = b.owner
    AND ($status IS NULL OR x.status = $status)
    AND ($method_id IS NULL OR x.method_id = $method_id)
    AND ($party IS NULL OR x.sender = $party OR x.recipient = $party)
    AND ($since IS NULL OR x.block_time >= $since)
    AND ($until IS NULL OR x.block_time <= $until)
    AND ($min_raw IS NULL OR size(x.value_raw) > size($min_raw)
      OR (size(x.value_raw) = size($min_raw) AND x.value_raw >= $min_raw))
    AND ($max_raw IS NULL OR size(x.value_raw) < size($max_raw)
      OR (size(x.value_raw) = size($max_raw) AND x.value_raw <= $max_raw))
    THEN x END)[0..$limit] AS found, count(x) AS scanned, max(x.recipient_key) AS last
  UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS x
  RETURN b.owner AS owner, 'in' AS side, scanned, last, x.recipient_key AS key,
    x.id AS id, x.chain AS chain, x.hash AS hash, x.block_number AS block_number,
    x.block_time AS block_time, x.index AS index, x.status AS status, x.sender AS sender,
    x.recipient AS recipient, x.value_raw AS value_raw, x.method_id AS method_id,
    x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw, x.fee_raw AS fee_raw,
    x.coinbase AS coinbase, x.flags AS flags
}
RETURN owner, side, scanned, last, key, id, chain, hash, block_number, block_time, index, status,
  sender, recipient, value_raw, method_id, gas_used, gas_price_raw, fee_raw, coinbase, flags
