// Flows that no transfer is left of.
// $ids
UNWIND $ids AS id
MATCH (f:Flow {id: id})
MATCH (:Wallet {id: f.sender})-[r:FLOWED {id: id}]->(:Wallet {id: f.recipient})
DELETE r
DETACH DELETE f
