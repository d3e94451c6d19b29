// How far transfers of a chain were looked at; whoever else looks waits for this transaction.
// $chain
MERGE (d:Detector {id: $chain})
ON CREATE SET d.number = 0, d.looks = 0
SET d.looks = d.looks + 1
RETURN d.number AS number
