// Wallets of a cluster in the order of their ids: $limit of them.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
MATCH (m:Member) WHERE m.cluster_key > $after AND m.cluster_key < $end
WITH m LIMIT $limit
RETURN $owner AS owner, 'any' AS side, null AS scanned, null AS last,
  CASE WHEN m.cluster = $owner THEN m.cluster_key END AS key, m.id AS wallet
