// Which labels are there, which wallets each is tied to, and which are taken back.
// $ids
UNWIND $ids AS id
MATCH (l:Label {id: id})
OPTIONAL MATCH (w:Wallet)-[:HAS_LABEL]->(l)
RETURN l.id AS id, l.withdrawn_at AS withdrawn_at, collect(w.id) AS accounts
