// What wallets hold of a token, the largest net first.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
MATCH (h:Holding) WHERE h.rank_key > $after AND h.rank_key < $end
WITH h LIMIT $limit
RETURN $owner AS owner, 'any' AS side, null AS scanned, null AS last,
  CASE WHEN h.token = $owner THEN h.rank_key END AS key,
  h.id AS id, h.wallet AS wallet, h.token AS token, h.received_raw AS received_raw,
  h.sent_raw AS sent_raw, h.net_raw AS net_raw, h.amount AS amount, h.transfers AS transfers,
  h.uncounted AS uncounted, h.first_at AS first_at, h.last_at AS last_at,
  h.since_block AS since_block
