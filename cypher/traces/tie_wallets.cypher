// Which wallets a trace reached.
// $id of the trace   $rows of wallet, token, reached_raw, hops and fates
UNWIND $rows AS r
MATCH (t:Trace {id: $id}), (w:Wallet {id: r.wallet})
CREATE (t)-[:TRACED {token: r.token, reached_raw: r.reached_raw, hops: r.hops, fates: r.fates}]->(w)
