// Evidence that is new, and its links; of wallets that are not there, none.
// $rows of id, chain, heuristic, start, end, transaction, block_number, confidence, run
UNWIND $rows AS r
MATCH (a:Wallet {id: r.start})
MATCH (b:Wallet {id: r.end})
CREATE (e:Evidence {id: r.id, chain: r.chain, heuristic: r.heuristic, start: r.start, end: r.end,
  transaction: r.transaction, block_number: r.block_number, confidence: r.confidence, run: r.run})
CREATE (a)-[:LINKED {id: r.id, heuristic: r.heuristic, transaction: r.transaction,
  block_number: r.block_number, confidence: r.confidence, run: r.run}]->(b)
