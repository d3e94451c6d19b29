// Which wallets labels speak of.
// $ids   uses constraint label_id
UNWIND $ids AS id
MATCH (w:Wallet)-[:HAS_LABEL]->(:Label {id: id})
RETURN id AS label, w.id AS wallet
