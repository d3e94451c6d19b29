// Actors that labels name; one that no source has described is made with its slug for a name.
// $rows of id and actor
UNWIND $rows AS r
MERGE (a:Actor {id: r.actor})
ON CREATE SET a.name = r.actor, a.text = r.actor, a.type = 'other'
WITH r, a
MATCH (l:Label {id: r.id})
CREATE (l)-[:NAMES]->(a)
