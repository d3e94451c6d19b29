// Labels of a category as of a moment, the surest first: looks at up to $scan and
// returns up to $limit that pass the filters, how many it saw and the key of the last one.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
// $at epoch ms   $source $category $min_confidence; null leaves one out
MATCH (l:Label) WHERE l.category_key > $after AND l.category_key < $end
WITH l LIMIT $scan
WITH collect(CASE WHEN l.category = $owner
  AND ($source IS NULL OR l.source = $source)
  AND ($category IS NULL OR l.category = $category)
  AND ($min_confidence IS NULL OR l.confidence >= $min_confidence)
  AND (l.learned_at IS NULL OR l.learned_at <= $at)
  AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $at)
  AND (l.valid_from IS NULL OR l.valid_from <= $at)
  AND (l.valid_to IS NULL OR l.valid_to > $at)
  THEN l END)[0..$limit] AS found, count(l) AS scanned, max(l.category_key) AS last
UNWIND CASE WHEN size(found) = 0 THEN [null] ELSE found END AS l
RETURN $owner AS owner, 'any' AS side, scanned, last, l.category_key AS key,
  l.id AS id, l.label AS label, l.category AS category, l.confidence AS confidence,
  l.source AS source, l.source_url AS source_url, l.actor AS actor,
  l.valid_from AS valid_from, l.valid_to AS valid_to, l.learned_at AS learned_at,
  l.withdrawn_at AS withdrawn_at, l.source_category AS source_category,
  l.defines_cluster AS defines_cluster, l.note AS note
