// Who calls the routers of decentralised exchanges most?
// Signers of calls to contracts with the label, with how many of them failed. Payments and the
// creation of a contract are no calls.
// $category  text     which label; default dex
// $since     moment   calls from this moment on; default 1970-01-01
// $until     moment   calls before this moment; default 9999-12-31
// $limit     integer  rows; default 20
// $first $last  keys of $category
// Example: since=2026-02-01
MATCH (l:Label)
WHERE l.category_key >= $first AND l.category_key < $last AND l.category = $category
  AND l.withdrawn_at IS NULL
MATCH (l)<-[:HAS_LABEL]-(contract:Wallet)
WITH DISTINCT contract
MATCH (contract)<-[:CALLED]-(x:Transaction)
WHERE x.method_id IS NOT NULL AND x.block_time >= $since AND x.block_time < $until
WITH x.sender AS caller, count(x) AS calls,
  sum(CASE WHEN x.status = 0 THEN 1 ELSE 0 END) AS failed,
  count(DISTINCT contract.id) AS contracts, max(x.block_time) AS last_at
RETURN caller, calls, failed, contracts, datetime({epochMillis: last_at}) AS last_at
ORDER BY calls DESC, caller
LIMIT $limit
