// Tokens by their CAIP-19 ids; an id that is not there has no row.
// $ids   uses constraint token_id
UNWIND $ids AS id
MATCH (t:Token {id: id})
RETURN t.id AS id, t.chain AS chain, t.address AS address, t.symbol AS symbol, t.name AS name,
  t.decimals AS decimals, t.total_supply_raw AS total_supply_raw,
  t.transfers AS transfers, t.holders AS holders
