// Signers of transactions that were stubs until now.
// $rows
UNWIND $rows AS r
MATCH (x:Transaction {id: r.id}), (s:Wallet {id: r.sender})
SET x.sender = r.sender, x.recipient = r.recipient, x.value_raw = r.value_raw,
    x.method_id = r.method_id, x.sender_key = r.sender_key, x.recipient_key = r.recipient_key
CREATE (s)-[:SIGNED]->(x)
