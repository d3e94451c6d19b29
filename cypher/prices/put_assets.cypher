// Assets, new or known; what they cost stays.
// $rows of id, symbol and listing
UNWIND $rows AS r
MERGE (a:Asset {id: r.id})
SET a.symbol = r.symbol, a.listing = r.listing
