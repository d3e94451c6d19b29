// New swaps.
// $rows
UNWIND $rows AS r
MATCH (x:Transaction {id: r.transaction}), (p:Wallet {id: r.pool})
CREATE (x)-[:SWAPPED]->(:Swap {id: r.id, chain: r.chain, protocol: r.protocol, pool: r.pool,
  sender: r.sender, recipient: r.recipient, amount0_raw: r.amount0_raw,
  amount1_raw: r.amount1_raw, block_number: r.block_number,
  block_time: r.block_time})-[:IN_POOL]->(p)
