// Wallets of a chain by their newest transfers: walks up to $scan transfers, newest first, and
// returns the wallets whose newest each is: the sender at its key, the recipient behind it.
// $branches of owner, after and end (keys, exclusive), prefix
// $kind $since $until; null leaves one out
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.order_key > b.after AND t.order_key < b.end
  WITH t ORDER BY t.order_key LIMIT $scan
  OPTIONAL MATCH (w:Wallet {id: t.sender})
  WITH collect(CASE WHEN t.order_key = b.prefix + w.newest AND w.chain = b.owner
    AND ($kind IS NULL OR w.kind = $kind)
    AND ($since IS NULL OR w.last_seen_at >= $since)
    AND ($until IS NULL OR w.first_seen_at <= $until)
    THEN w END)[0..$limit] AS found, count(t) AS scanned, max(t.order_key) AS last
  UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS w
  RETURN b.owner AS owner, 'out' AS side, scanned, last,
    b.prefix + w.newest AS key,
    w.id AS id, w.chain AS chain, w.address AS address, w.kind AS kind,
    w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
    w.transfers_in AS transfers_in, w.transfers_out AS transfers_out, w.flows_in AS flows_in,
    w.flows_out AS flows_out, w.newest AS newest
  UNION ALL
  MATCH (t:Transfer) WHERE t.order_key >= b.after AND t.order_key < b.end
  WITH t ORDER BY t.order_key LIMIT $scan
  OPTIONAL MATCH (w:Wallet {id: t.recipient})
  WITH collect(CASE WHEN t.order_key = b.prefix + w.newest AND w.chain = b.owner
    AND t.order_key + '~' < b.end AND (t.sender IS NULL OR t.sender <> t.recipient)
    AND ($kind IS NULL OR w.kind = $kind)
    AND ($since IS NULL OR w.last_seen_at >= $since)
    AND ($until IS NULL OR w.first_seen_at <= $until)
    THEN w END)[0..$limit] AS found, count(t) AS scanned, max(t.order_key) + '~' AS last
  UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS w
  RETURN b.owner AS owner, 'in' AS side, scanned, last,
    b.prefix + w.newest + '~' AS key,
    w.id AS id, w.chain AS chain, w.address AS address, w.kind AS kind,
    w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
    w.transfers_in AS transfers_in, w.transfers_out AS transfers_out, w.flows_in AS flows_in,
    w.flows_out AS flows_out, w.newest AS newest
}
RETURN owner, side, scanned, last, key, id, chain, address, kind, first_seen_at, last_seen_at,
  transfers_in, transfers_out, flows_in, flows_out, newest
