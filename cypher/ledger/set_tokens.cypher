// Tokens, new or known.
// $rows
UNWIND $rows AS r
MERGE (t:Token {id: r.id})
SET t.chain = r.chain, t.address = r.address, t.symbol = r.symbol, t.name = r.name,
    t.decimals = r.decimals, t.total_supply_raw = r.total_supply_raw,
    t.transfers = r.transfers, t.holders = r.holders, t.unscaled = r.unscaled,
    t.rank_key = r.rank_key
