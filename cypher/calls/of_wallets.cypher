// What a wallet called or paid in its newest $scan transactions, by recipient and method.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.sender_key > b.after AND x.sender_key < b.end
  WITH x ORDER BY x.sender_key LIMIT $scan
  RETURN b.owner AS owner, x.recipient AS contract, x.method_id AS method_id, count(x) AS calls,
    sum(CASE WHEN x.status = 0 THEN 1 ELSE 0 END) AS failed,
    min(x.block_time) AS first_at, max(x.block_time) AS last_at
}
RETURN owner, contract, method_id, calls, failed, first_at, last_at
