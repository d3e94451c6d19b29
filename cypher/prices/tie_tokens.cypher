// What tokens stand for; those that are not loaded yet are left out.
// $rows of token, asset and source
UNWIND $rows AS r
MATCH (t:Token {id: r.token}), (a:Asset {id: r.asset})
MERGE (t)-[tie:REPRESENTS]->(a)
SET tie.source = r.source
