// Tokens by their symbols, the most used first.
// $symbols   $limit rows in all   uses index token_symbol
UNWIND $symbols AS symbol
MATCH (t:Token {symbol: symbol})
RETURN
  t.id AS id, t.chain AS chain, t.address AS address, t.symbol AS symbol, t.name AS name,
  t.decimals AS decimals, t.total_supply_raw AS total_supply_raw, t.transfers AS transfers,
  t.holders AS holders
ORDER BY transfers DESC, id LIMIT $limit
