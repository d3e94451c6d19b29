// Wallets that nothing refers to any more.
// $ids
UNWIND $ids AS id
MATCH (w:Wallet {id: id})
DETACH DELETE w
