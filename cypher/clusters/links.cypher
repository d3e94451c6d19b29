// Evidence at wallets, up to $limit in all.
// $wallets   $least confidence, 0 to 1   $block the last that counts, or null
// $heuristics that count, or null for all
UNWIND $wallets AS id
MATCH (w:Wallet {id: id})-[l:LINKED]-(:Wallet)
WHERE l.confidence >= $least AND ($block IS NULL OR l.block_number <= $block)
  AND ($heuristics IS NULL OR l.heuristic IN $heuristics)
WITH DISTINCT l.id AS link LIMIT $limit
MATCH (e:Evidence {id: link})
RETURN e.id AS id, e.heuristic AS heuristic, e.start AS start, e.end AS end,
  e.transaction AS transaction, e.block_number AS block_number, e.confidence AS confidence
