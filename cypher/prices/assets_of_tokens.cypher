// What tokens stand for.
// $ids of tokens
UNWIND $ids AS id
MATCH (t:Token {id: id})-[:REPRESENTS]->(a:Asset)
RETURN id AS token, a.id AS id, a.symbol AS symbol, a.usd AS usd, a.usd_source AS source,
       a.usd_at AS at
