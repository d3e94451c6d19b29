// New acts of issuers.
// $rows
UNWIND $rows AS r
MATCH (x:Transaction {id: r.transaction}), (w:Wallet {id: r.wallet})
CREATE (x)-[:RULED]->(:Freeze {id: r.id, chain: r.chain, kind: r.kind, token: r.token,
  wallet: r.wallet, issuer: r.issuer, symbol: r.symbol, transaction: r.transaction,
  position: r.position, amount_raw: r.amount_raw, block_number: r.block_number,
  block_time: r.block_time})-[:CONCERNS]->(w)
