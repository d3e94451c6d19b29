// Tokens that are said to stand for another asset than before.
// $rows of token and asset
UNWIND $rows AS r
MATCH (t:Token {id: r.token})-[tie:REPRESENTS]->(a:Asset) WHERE a.id <> r.asset
DELETE tie
