// Tokens in the order of their ids.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Token) WHERE t.id > b.after AND t.id < b.end
  WITH t ORDER BY t.id LIMIT $limit
  RETURN b.owner AS owner, 'any' AS side, null AS scanned, null AS last, t.id AS key,
    t.id AS id, t.chain AS chain, t.address AS address, t.symbol AS symbol, t.name AS name,
    t.decimals AS decimals, t.total_supply_raw AS total_supply_raw, t.transfers AS transfers,
    t.holders AS holders
}
RETURN owner, side, scanned, last, key, id, chain, address, symbol, name, decimals,
  total_supply_raw, transfers, holders
