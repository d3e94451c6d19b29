// New flows, each with its road between the wallets, and the way to its totals from either.
// $rows
UNWIND $rows AS r
MATCH (a:Wallet {id: r.sender}), (b:Wallet {id: r.recipient})
CREATE (f:Flow {id: r.id, chain: r.chain, sender: r.sender, recipient: r.recipient, token: r.token,
  transfers: r.transfers, amount_raw: r.amount_raw, amount: r.amount,
  first_at: r.first_at, last_at: r.last_at,
  sender_rank: r.sender_rank, recipient_rank: r.recipient_rank})
CREATE (a)-[:FLOWED {id: r.id, token: r.token}]->(b)
CREATE (f)-[:FLOW_FROM]->(a)
CREATE (f)-[:FLOW_TO]->(b)
