// Wallets in the order of their ids: looks at up to $scan and returns up to $limit that pass
// the filters, how many it saw and the id of the last one.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
// $kind $since $until; null leaves one out
MATCH (w:Wallet) WHERE w.id > $after AND w.id < $end
WITH w LIMIT $scan
WITH collect(CASE WHEN ($kind IS NULL OR w.kind = $kind)
  AND ($since IS NULL OR w.last_seen_at >= $since)
  AND ($until IS NULL OR w.first_seen_at <= $until)
  THEN w END)[0..$limit] AS found, count(w) AS scanned, max(w.id) AS last
UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS w
RETURN $owner AS owner, 'any' AS side, scanned, last, w.id AS key,
  w.id AS id, w.chain AS chain, w.address AS address, w.kind AS kind,
  w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
  w.transfers_in AS transfers_in, w.transfers_out AS transfers_out, w.flows_in AS flows_in,
  w.flows_out AS flows_out, w.newest AS newest
