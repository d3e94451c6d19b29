// What wallets hold of a token, the largest net first.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (h:Holding) WHERE h.rank_key > b.after AND h.rank_key < b.end
  WITH h ORDER BY h.rank_key LIMIT $limit
  RETURN b.owner AS owner, 'any' AS side, null AS scanned, null AS last,
    CASE WHEN h.token = b.owner THEN h.rank_key END AS key,
    h.id AS id, h.wallet AS wallet, h.token AS token, h.received_raw AS received_raw,
    h.sent_raw AS sent_raw, h.net_raw AS net_raw, h.amount AS amount, h.transfers AS transfers,
    h.uncounted AS uncounted, h.first_at AS first_at, h.last_at AS last_at,
    h.since_block AS since_block
}
RETURN owner, side, scanned, last, key, id, wallet, token, received_raw, sent_raw, net_raw, amount,
  transfers, uncounted, first_at, last_at, since_block
