// Which labels are there, and which wallets each is tied to.
// $ids
UNWIND $ids AS id
MATCH (l:Label {id: id})
OPTIONAL MATCH (w:Wallet)-[:HAS_LABEL]->(l)
RETURN l.id AS id, collect(w.id) AS accounts
