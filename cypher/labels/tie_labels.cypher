// Wallets that labels speak of.
// $rows of id and account
UNWIND $rows AS r
MATCH (w:Wallet {id: r.account}), (l:Label {id: r.id})
CREATE (w)-[:HAS_LABEL]->(l)
