// Tokens of a chain, the one with the most transfers first.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Token) WHERE t.rank_key > b.after AND t.rank_key < b.end
  WITH t ORDER BY t.rank_key LIMIT $limit
  RETURN b.owner AS owner, 'any' AS side, null AS scanned, null AS last, t.rank_key AS key,
    t.id AS id, t.chain AS chain, t.address AS address, t.symbol AS symbol, t.name AS name,
    t.decimals AS decimals, t.total_supply_raw AS total_supply_raw, t.transfers AS transfers,
    t.holders AS holders
}
RETURN owner, side, scanned, last, key, id, chain, address, symbol, name, decimals,
  total_supply_raw, transfers, holders
