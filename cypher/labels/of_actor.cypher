// Labels of an actor as of a moment, the surest first: looks at up to $scan and
// returns up to $limit that pass the filters, how many it saw and the key of the last one.
// $branches of owner, after and end (keys, exclusive)
// $at epoch ms   $source $category $min_confidence; null leaves one out
UNWIND $branches AS b
CALL (b) {
  MATCH (l:Label) WHERE l.actor_key > b.after AND l.actor_key < b.end
  WITH l ORDER BY l.actor_key LIMIT $scan
  WITH collect(CASE WHEN l.actor = b.owner
    AND ($source IS NULL OR l.source = $source)
    AND ($category IS NULL OR l.category = $category)
    AND ($min_confidence IS NULL OR l.confidence >= $min_confidence)
    AND (l.learned_at IS NULL OR l.learned_at <= $at)
    AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $at)
    AND (l.valid_from IS NULL OR l.valid_from <= $at)
    AND (l.valid_to IS NULL OR l.valid_to > $at)
    THEN l END)[0..$limit] AS found, count(l) AS scanned, max(l.actor_key) AS last
  UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS l
  RETURN b.owner AS owner, 'any' AS side, scanned, last, l.actor_key AS key,
    l.id AS id, l.label AS label, l.category AS category, l.confidence AS confidence,
    l.source AS source, l.source_url AS source_url, l.actor AS actor,
    l.valid_from AS valid_from, l.valid_to AS valid_to, l.learned_at AS learned_at,
    l.withdrawn_at AS withdrawn_at, l.source_category AS source_category,
    l.defines_cluster AS defines_cluster, l.note AS note
}
RETURN owner, side, scanned, last, key, id, label, category, confidence, source, source_url,
  actor, valid_from, valid_to, learned_at, withdrawn_at, source_category, defines_cluster, note
