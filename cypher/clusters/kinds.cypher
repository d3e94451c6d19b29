// What stands behind wallets.
// $ids
UNWIND $ids AS id
MATCH (w:Wallet {id: id})
RETURN w.id AS key, w.chain AS chain, w.kind AS kind
