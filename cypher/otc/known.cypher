// What was detected of some transfers.
// $ids of transfers   uses constraint detection_id
UNWIND $ids AS id
MATCH (d:Detection {id: id})
RETURN d.id AS id, d.chain AS chain, d.reasons AS reasons, d.actors AS actors,
  d.actor_types AS actor_types, d.usd AS usd, d.counter AS counter
