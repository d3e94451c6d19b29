// What the writer needs of tokens.
// $ids
UNWIND $ids AS id
MATCH (t:Token {id: id})
RETURN t.id AS id, t.symbol AS symbol, t.name AS name, t.decimals AS decimals,
       t.total_supply_raw AS total_supply_raw, coalesce(t.transfers, 0) AS transfers,
       coalesce(t.holders, 0) AS holders, coalesce(t.unscaled, 0) AS unscaled
