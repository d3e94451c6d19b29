// Every asset, with its newest price.
MATCH (a:Asset)
RETURN a.id AS id, a.symbol AS symbol, a.usd AS usd, a.usd_source AS source, a.usd_at AS at
ORDER BY id
