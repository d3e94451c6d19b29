// New transfers of value that comes into being: rewards, genesis, coinbase.
// $rows
UNWIND $rows AS r
MATCH (b:Wallet {id: r.recipient})
CREATE (:Transfer {id: r.id, chain: r.chain, transaction: r.transaction,
  position: r.position, recipient: r.recipient, token: r.token,
  amount_raw: r.amount_raw, amount: r.amount, block_number: r.block_number,
  block_time: r.block_time, derived: r.derived, order_key: r.order_key,
  recipient_key: r.recipient_key, token_key: r.token_key})-[:REACHED]->(b)
