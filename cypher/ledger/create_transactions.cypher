// New transactions with their signer; the recipient follows where there is one.
// $rows
UNWIND $rows AS r
MATCH (s:Wallet {id: r.sender})
CREATE (s)-[:SIGNED]->(:Transaction {id: r.id, chain: r.chain, hash: r.hash,
  block_number: r.block_number, block_time: r.block_time, index: r.index, status: r.status,
  sender: r.sender, recipient: r.recipient, value_raw: r.value_raw, method_id: r.method_id,
  gas_used: r.gas_used, gas_price_raw: r.gas_price_raw, fee_raw: r.fee_raw,
  order_key: r.order_key, sender_key: r.sender_key, recipient_key: r.recipient_key})
