// Which wallets still let this spender move their tokens?
// The last word of each owner on each token. What was spent since is not taken off: an upper bound.
// $spender  account  the contract or wallet that may spend
// $limit    integer  rows; default 50
// Example: spender=ethereum:0x99577168081a24ad63ec696bce23b2c3079cf083
MATCH (:Wallet {id: $spender})<-[:SPENDER]-(a:Approval)
WITH a ORDER BY a.block_number DESC, toInteger(split(a.id, ':log:')[1]) DESC
WITH a.owner AS owner, a.token AS token, collect(a)[0] AS newest
WHERE newest.amount_raw <> '0'
OPTIONAL MATCH (k:Token {id: token})
RETURN owner, k.symbol AS symbol, token, newest.amount_raw AS amount_raw,
  size(newest.amount_raw) > 70 AS unlimited, newest.block_number AS block_number,
  newest.id AS approval
ORDER BY block_number DESC, owner, token
LIMIT $limit
