// Wallets that are in no cluster any more.
// $ids
UNWIND $ids AS id
MATCH (m:Member {id: id})
DELETE m
