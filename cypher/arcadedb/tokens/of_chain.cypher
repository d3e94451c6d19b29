// Tokens of a chain, the one with the most transfers first.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
MATCH (t:Token) WHERE t.rank_key > $after AND t.rank_key < $end
WITH t LIMIT $limit
RETURN $owner AS owner, 'any' AS side, null AS scanned, null AS last, t.rank_key AS key,
  t.id AS id, t.chain AS chain, t.address AS address, t.symbol AS symbol, t.name AS name,
  t.decimals AS decimals, t.total_supply_raw AS total_supply_raw, t.transfers AS transfers,
  t.holders AS holders
