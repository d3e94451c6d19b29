// The loaded tokens that stand for assets.
// $ids of assets
UNWIND $ids AS id
MATCH (t:Token)-[:REPRESENTS]->(:Asset {id: id})
RETURN id AS asset, t.id AS token
ORDER BY asset, token
