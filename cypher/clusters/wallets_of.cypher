// Wallets of a cluster in the order of their ids: $limit of them.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (m:Member) WHERE m.cluster_key > b.after AND m.cluster_key < b.end
  WITH m ORDER BY m.cluster_key LIMIT $limit
  RETURN b.owner AS owner, 'any' AS side, null AS scanned, null AS last,
    CASE WHEN m.cluster = b.owner THEN m.cluster_key END AS key, m.id AS wallet
}
RETURN owner, side, scanned, last, key, wallet
