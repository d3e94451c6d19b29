// What is taken for OTC on a chain, the newest transfers first: looks at up to $scan and returns
// up to $limit that pass the filters, how many it saw and the key of the last one.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
// $actor $reason $min_usd; null leaves one out
MATCH (d:Detection) WHERE d.order_key > $after AND d.order_key < $end
WITH d LIMIT $scan
WITH collect(CASE WHEN d.chain = $owner
  AND ($actor IS NULL OR $actor IN d.actors)
  AND ($reason IS NULL OR $reason IN d.reasons)
  AND ($min_usd IS NULL OR d.usd >= $min_usd)
  THEN d END)[0..$limit] AS found, count(d) AS scanned, max(d.order_key) AS last
UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS d
RETURN $owner AS owner, 'any' AS side, scanned, last, d.order_key AS key, d.id AS id,
  d.chain AS chain, d.reasons AS reasons, d.actors AS actors, d.actor_types AS actor_types,
  d.usd AS usd, d.counter AS counter, d.detected_at AS detected_at
