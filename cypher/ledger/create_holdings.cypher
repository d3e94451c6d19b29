// New holdings, each with its road from the wallet to the token.
// $rows
UNWIND $rows AS r
MATCH (w:Wallet {id: r.wallet}), (t:Token {id: r.token})
CREATE (:Holding {id: r.id, chain: r.chain, wallet: r.wallet, token: r.token,
  received_raw: r.received_raw, sent_raw: r.sent_raw, net_raw: r.net_raw, amount: r.amount,
  transfers: r.transfers, uncounted: r.uncounted, first_at: r.first_at, last_at: r.last_at,
  since_block: r.since_block, rank_key: r.rank_key})
CREATE (w)-[:HOLDS {id: r.id}]->(t)
