// Which actors labels name.
// $rows of id and actor
UNWIND $rows AS r
MATCH (l:Label {id: r.id}), (a:Actor {id: r.actor})
CREATE (l)-[:NAMES]->(a)
