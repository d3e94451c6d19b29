// Contracts that a wallet called in its newest $scan transactions, by contract and method;
// all other transactions are one row without a contract.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
MATCH (x:Transaction) WHERE x.sender_key > $after AND x.sender_key < $end
WITH x LIMIT $scan
WITH collect(x) AS xs, count(x) AS scanned
UNWIND xs AS x
WITH scanned, x.recipient AS contract, x.method_id AS method_id, count(x) AS calls,
  sum(CASE WHEN x.status = 0 THEN 1 ELSE 0 END) AS failed,
  min(x.block_time) AS first_at, max(x.block_time) AS last_at
OPTIONAL MATCH (w:Wallet {id: contract})
WHERE method_id IS NOT NULL OR w.kind = 'contract'
WITH scanned, w.id AS contract, CASE WHEN w.id IS NULL THEN null ELSE method_id END AS method_id,
  sum(calls) AS calls, sum(failed) AS failed, min(first_at) AS first_at, max(last_at) AS last_at
RETURN $owner AS owner, scanned, contract, method_id, calls, failed, first_at, last_at
