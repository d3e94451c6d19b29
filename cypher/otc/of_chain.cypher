// What is taken for OTC on a chain, the newest transfers first: looks at up to $scan and returns
// up to $limit that pass the filters, how many it saw and the key of the last one.
// $branches of owner, after and end (keys, exclusive)
// $actor $reason $min_usd; null leaves one out
UNWIND $branches AS b
CALL (b) {
  MATCH (d:Detection) WHERE d.order_key > b.after AND d.order_key < b.end
  WITH d ORDER BY d.order_key LIMIT $scan
  WITH collect(CASE WHEN d.chain = b.owner
    AND ($actor IS NULL OR $actor IN d.actors)
    AND ($reason IS NULL OR $reason IN d.reasons)
    AND ($min_usd IS NULL OR d.usd >= $min_usd)
    THEN d END)[0..$limit] AS found, count(d) AS scanned, max(d.order_key) AS last
  UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS d
  RETURN b.owner AS owner, 'any' AS side, scanned, last, d.order_key AS key, d.id AS id,
    d.chain AS chain, d.reasons AS reasons, d.actors AS actors, d.actor_types AS actor_types,
    d.usd AS usd, d.counter AS counter, d.detected_at AS detected_at
}
RETURN owner, side, scanned, last, key, id, chain, reasons, actors, actor_types, usd, counter,
  detected_at
