// Wallets that labels of an actor speak of as of a moment, each at its surest label:
// looks at up to $scan labels and returns up to $limit that have wallets which pass the filters,
// how many it saw and the key of the last one.
// $branches of owner, after and end (keys, exclusive)
// $at, $since, $until epoch ms   $category $min_confidence $chain $kind $active;
// null leaves one out
UNWIND $branches AS b
CALL (b) {
  MATCH (l:Label) WHERE l.actor_key > b.after AND l.actor_key < b.end
  WITH l ORDER BY l.actor_key LIMIT $scan
  WITH l.actor_key AS key, CASE WHEN l.actor = b.owner
    AND ($category IS NULL OR l.category = $category)
    AND ($min_confidence IS NULL OR l.confidence >= $min_confidence)
    AND (l.learned_at IS NULL OR l.learned_at <= $at)
    AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $at)
    AND (l.valid_from IS NULL OR l.valid_from <= $at)
    AND (l.valid_to IS NULL OR l.valid_to > $at)
    THEN [(l)<-[:HAS_LABEL]-(w:Wallet)
      WHERE ($chain IS NULL OR w.chain = $chain)
      AND ($kind IS NULL OR w.kind = $kind)
      AND ($since IS NULL OR w.last_seen_at >= $since)
      AND ($until IS NULL OR w.first_seen_at <= $until)
      AND ($active IS NULL OR (w.transfers_in + w.transfers_out > 0) = $active)
      AND size([(w)-[:HAS_LABEL]->(o:Label)
        WHERE o.actor = b.owner AND o.actor_key < l.actor_key
        AND ($category IS NULL OR o.category = $category)
        AND (o.learned_at IS NULL OR o.learned_at <= $at)
        AND (o.withdrawn_at IS NULL OR o.withdrawn_at > $at)
        AND (o.valid_from IS NULL OR o.valid_from <= $at)
        AND (o.valid_to IS NULL OR o.valid_to > $at)
        | 1]) = 0
      | w.id] ELSE [] END AS wallets
  WITH collect(CASE WHEN size(wallets) > 0 THEN {key: key, wallets: wallets} END)[0..$limit]
      AS found, count(key) AS scanned, max(key) AS last
  UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS f
  RETURN b.owner AS owner, 'any' AS side, scanned, last, f.key AS key, f.wallets AS wallets
}
RETURN owner, side, scanned, last, key, wallets
