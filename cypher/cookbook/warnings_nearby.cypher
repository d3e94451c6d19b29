// Did this wallet deal with a mixer, a sanctioned or another ill-reputed wallet, within two hops?
// Directly, or through one wallet between that is no hub; in which direction value went.
// $wallet  account  the wallet in question
// $hub     integer  a wallet with more flows than this is not passed; default 200
// $limit   integer  rows; default 50
// Example: wallet=ethereum:0x31c7fbe8e8a69c7cefc73f8c8d2595f732ac5d82
MATCH (w:Wallet {id: $wallet})-[road:FLOWED]-(near:Wallet)
WHERE near.id <> $wallet
WITH DISTINCT near, startNode(road).id = $wallet AS paid
CALL (near) {
  MATCH (near)-[:HAS_LABEL]->(l:Label)
  RETURN null AS via, near AS found, l, null AS onwards
  UNION
  MATCH (near)-[road:FLOWED]-(far:Wallet)-[:HAS_LABEL]->(l:Label)
  WHERE near.flows_in + near.flows_out <= $hub AND far.id <> $wallet AND far.id <> near.id
  RETURN near.id AS via, far AS found, l, startNode(road).id = near.id AS onwards
}
WITH paid, via, found, l, onwards
WHERE l.category IN ['mixer', 'sanctioned', 'blacklisted', 'scam', 'phishing', 'hack', 'ransomware',
  'extortion', 'dark_market', 'abuse'] AND l.withdrawn_at IS NULL
RETURN DISTINCT CASE WHEN via IS NULL THEN 1 ELSE 2 END AS hops, found.id AS wallet,
  l.label AS label, l.category AS category, l.confidence AS confidence, via,
  CASE WHEN paid THEN 'paid' ELSE 'was paid' END AS first_hop,
  CASE onwards WHEN true THEN 'paid' WHEN false THEN 'was paid' END AS second_hop
ORDER BY hops, wallet, label, via, first_hop, second_hop
LIMIT $limit
