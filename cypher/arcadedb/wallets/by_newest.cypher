// Wallets of a chain by their newest transfers: walks up to $scan transfers, newest first, and
// returns the wallets whose newest each is: the sender at its key, the recipient behind it.
// $owner, $after and $end (keys, exclusive), $prefix, joined by UNION ALL. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
// $kind $since $until; null leaves one out
MATCH (t:Transfer) WHERE t.order_key > $after AND t.order_key < $end
WITH t LIMIT $scan
OPTIONAL MATCH (w:Wallet {id: t.sender})
WITH collect(CASE WHEN t.order_key = $prefix + w.newest AND w.chain = $owner
  AND ($kind IS NULL OR w.kind = $kind)
  AND ($since IS NULL OR w.last_seen_at >= $since)
  AND ($until IS NULL OR w.first_seen_at <= $until)
  THEN w END)[0..$limit] AS found, count(t) AS scanned, max(t.order_key) AS last
UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS w
RETURN $owner AS owner, 'out' AS side, scanned, last,
  $prefix + w.newest AS key,
  w.id AS id, w.chain AS chain, w.address AS address, w.kind AS kind,
  w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
  w.transfers_in AS transfers_in, w.transfers_out AS transfers_out, w.flows_in AS flows_in,
  w.flows_out AS flows_out, w.newest AS newest
UNION ALL
MATCH (t:Transfer) WHERE t.order_key >= $after AND t.order_key < $end
WITH t LIMIT $scan
OPTIONAL MATCH (w:Wallet {id: t.recipient})
WITH collect(CASE WHEN t.order_key = $prefix + w.newest AND w.chain = $owner
  AND t.order_key + '~' < $end AND (t.sender IS NULL OR t.sender <> t.recipient)
  AND ($kind IS NULL OR w.kind = $kind)
  AND ($since IS NULL OR w.last_seen_at >= $since)
  AND ($until IS NULL OR w.first_seen_at <= $until)
  THEN w END)[0..$limit] AS found, count(t) AS scanned, max(t.order_key) + '~' AS last
UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS w
RETURN $owner AS owner, 'in' AS side, scanned, last,
  $prefix + w.newest + '~' AS key,
  w.id AS id, w.chain AS chain, w.address AS address, w.kind AS kind,
  w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
  w.transfers_in AS transfers_in, w.transfers_out AS transfers_out, w.flows_in AS flows_in,
  w.flows_out AS flows_out, w.newest AS newest
