// What was this wallet known as on a day, as far as was known on another day?
// A claim has two time lines: when it is true, and from when until when we believed it.
// $wallet    account  the wallet
// $on        moment   the day that the question is about
// $known_at  moment   the day as of which it is answered; default 9999-12-31
// $limit     integer  rows; default 50
// Example: wallet=ethereum:0x31c7fbe8e8a69c7cefc73f8c8d2595f732ac5d82 on=2026-02-01 known_at=2026-02-01
MATCH (:Wallet {id: $wallet})-[:HAS_LABEL]->(l:Label)
WHERE (l.valid_from IS NULL OR l.valid_from <= $on) AND (l.valid_to IS NULL OR l.valid_to > $on)
  AND (l.learned_at IS NULL OR l.learned_at <= $known_at)
  AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $known_at)
OPTIONAL MATCH (l)-[:NAMES]->(a:Actor)
RETURN l.label AS label, l.category AS category, a.name AS actor, l.confidence AS confidence,
  l.source AS source, l.source_url AS source_url
ORDER BY confidence DESC, label, source
LIMIT $limit
