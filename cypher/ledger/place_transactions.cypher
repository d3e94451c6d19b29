// The keys that pages of wallets are read by, of signed transactions whose place is known better now.
// $rows of id, sender_key and recipient_key
UNWIND $rows AS r
MATCH (x:Transaction {id: r.id})
SET x.sender_key = r.sender_key, x.recipient_key = r.recipient_key
