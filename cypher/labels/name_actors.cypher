// Actors that labels name; one that no source has described has its slug for a name.
// $rows of id and actor
UNWIND $rows AS r
MERGE (a:Actor {id: r.actor})
ON CREATE SET a.name = r.actor, a.text = r.actor, a.type = 'other', a.confidence = 0.0
WITH r, a
MATCH (l:Label {id: r.id})
CREATE (l)-[:NAMES]->(a)
