// Tokens that stand for an asset, with what it takes to price their transfers.
MATCH (t:Token)-[:REPRESENTS]->(a:Asset)
RETURN t.id AS token, t.chain AS chain, t.decimals AS decimals,
       coalesce(t.transfers, 0) AS transfers, a.id AS asset
ORDER BY token
