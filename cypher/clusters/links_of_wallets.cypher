// The surest evidence at each wallet, whether it merges or not.
// $wallets   $first of each
UNWIND $wallets AS id
MATCH (:Wallet {id: id})-[l:LINKED]-(:Wallet)
WITH id, l ORDER BY l.confidence DESC, l.id
WITH id, collect(l.id)[0..$first] AS found
UNWIND found AS link
MATCH (e:Evidence {id: link})
RETURN id AS wallet, e.id AS id, e.heuristic AS heuristic, e.start AS start, e.end AS end,
  e.transaction AS transaction, e.block_number AS block_number, e.confidence AS confidence
