// New transfers between two wallets, carried by a transaction.
// $rows
UNWIND $rows AS r
MATCH (a:Wallet {id: r.sender}), (b:Wallet {id: r.recipient}), (x:Transaction {id: r.transaction})
CREATE (a)-[:SENT]->(t:Transfer {id: r.id, chain: r.chain, transaction: r.transaction,
  position: r.position, sender: r.sender, recipient: r.recipient, token: r.token,
  amount_raw: r.amount_raw, amount: r.amount, block_number: r.block_number,
  block_time: r.block_time, derived: r.derived, order_key: r.order_key, sender_key: r.sender_key,
  recipient_key: r.recipient_key, token_key: r.token_key})-[:REACHED]->(b)
CREATE (x)-[:MOVED]->(t)
