// Which wallets labels speak of.
// $ids   uses constraint label_id
// The label comes first: the embedded engine begins where a pattern begins, with all wallets.
UNWIND $ids AS id
MATCH (l:Label {id: id})
MATCH (l)<-[:HAS_LABEL]-(w:Wallet)
RETURN id AS label, w.id AS wallet
