// What the labelled wallets of an actor did, as far as it is loaded: of its $scan surest labels.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index; a MATCH
// that follows would make it do so as well.
// $at epoch ms
MATCH (l:Label) WHERE l.actor_key > $after AND l.actor_key < $end
WITH l LIMIT $scan
WITH CASE WHEN l.actor = $owner
  AND (l.learned_at IS NULL OR l.learned_at <= $at)
  AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $at)
  AND (l.valid_from IS NULL OR l.valid_from <= $at)
  AND (l.valid_to IS NULL OR l.valid_to > $at)
  THEN [(l)<-[:HAS_LABEL]-(w:Wallet) | w] END AS held
WITH count(*) AS scanned, count(held) AS labels, collect(held) AS held
UNWIND CASE WHEN labels = 0 THEN [[null]] ELSE held END AS some
UNWIND CASE WHEN size(some) = 0 THEN [null] ELSE some END AS w
WITH DISTINCT scanned, labels, w
RETURN $owner AS actor, scanned, labels, count(w) AS wallets,
  count(CASE WHEN w.transfers_in + w.transfers_out > 0 THEN 1 END) AS active_wallets,
  coalesce(sum(w.transfers_in), 0) AS transfers_in,
  coalesce(sum(w.transfers_out), 0) AS transfers_out,
  min(w.first_seen_at) AS first_seen_at, max(w.last_seen_at) AS last_seen_at
