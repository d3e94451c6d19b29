// Holdings that no transfer is left of.
// $ids
UNWIND $ids AS id
MATCH (h:Holding {id: id})
MATCH (:Wallet {id: h.wallet})-[r:HOLDS {id: id}]->(:Token)
DELETE r, h
