// What the labelled wallets of an actor did, as far as it is loaded: of its $scan surest labels.
// $branches of owner, after and end (keys, exclusive)   $at epoch ms
UNWIND $branches AS b
CALL (b) {
  MATCH (l:Label) WHERE l.actor_key > b.after AND l.actor_key < b.end
  WITH l ORDER BY l.actor_key LIMIT $scan
  WITH CASE WHEN l.actor = b.owner
    AND (l.learned_at IS NULL OR l.learned_at <= $at)
    AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $at)
    AND (l.valid_from IS NULL OR l.valid_from <= $at)
    AND (l.valid_to IS NULL OR l.valid_to > $at)
    THEN [(l)<-[:HAS_LABEL]-(w:Wallet) | w] END AS held
  WITH count(*) AS scanned, count(held) AS labels, collect(held) AS held
  UNWIND CASE WHEN labels = 0 THEN [[null]] ELSE held END AS some
  UNWIND CASE WHEN size(some) = 0 THEN [null] ELSE some END AS w
  WITH DISTINCT scanned, labels, w
  RETURN b.owner AS actor, scanned, labels, count(w) AS wallets,
    count(CASE WHEN w.transfers_in + w.transfers_out > 0 THEN 1 END) AS active_wallets,
    coalesce(sum(w.transfers_in), 0) AS transfers_in,
    coalesce(sum(w.transfers_out), 0) AS transfers_out,
    min(w.first_seen_at) AS first_seen_at, max(w.last_seen_at) AS last_seen_at
}
RETURN actor, scanned, labels, wallets, active_wallets, transfers_in, transfers_out,
  first_seen_at, last_seen_at
