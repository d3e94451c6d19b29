// How could value have come from one wallet to another, in up to four hops?
// Walks FLOWED, never twice through one wallet and never through a wallet that is labelled as a
// service or that has too many flows. The shortest first; `roads` counts ways that differ only in
// their tokens.
// $from   account  where it began
// $to     account  where it ended
// $hub    integer  a wallet with more flows than this is not passed; default 50
// $limit  integer  paths; default 20
// Example: from=ethereum:0xc87a67fd6ec4200c3baa0a188958ad42b3950907 to=ethereum:0x61c41c62bbec0e7a96c014325f2734c6fd6224fe
MATCH (a:Wallet {id: $from})
MATCH path = (a)(()-[:FLOWED]->(passed:Wallet WHERE passed.id = $to
  OR (passed.flows_in + passed.flows_out <= $hub AND NOT EXISTS {
    MATCH (passed)-[:HAS_LABEL]->(l:Label)
    WHERE l.category IN ['exchange', 'hot_wallet', 'cold_wallet', 'deposit', 'custodian', 'payment',
      'wallet_service', 'mixer', 'bridge', 'dex', 'defi', 'lending', 'miner', 'gambling', 'burn']
      AND l.withdrawn_at IS NULL })
  )){1,4}(b:Wallet {id: $to})
WITH [wallet IN nodes(path) | wallet.id] AS wallets
WITH wallets, count(*) AS roads
WHERE all(wallet IN wallets WHERE size([other IN wallets WHERE other = wallet]) = 1)
RETURN size(wallets) - 1 AS hops, wallets, roads
ORDER BY hops, roads DESC, wallets
LIMIT $limit
