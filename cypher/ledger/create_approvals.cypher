// New approvals.
// $rows
UNWIND $rows AS r
MATCH (x:Transaction {id: r.transaction}), (o:Wallet {id: r.owner}), (s:Wallet {id: r.spender})
CREATE (o)-[:GRANTED]->(a:Approval {id: r.id, chain: r.chain, token: r.token, owner: r.owner,
  spender: r.spender, amount_raw: r.amount_raw, block_number: r.block_number,
  block_time: r.block_time})-[:SPENDER]->(s)
CREATE (x)-[:APPROVED]->(a)
