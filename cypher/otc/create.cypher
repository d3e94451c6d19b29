// New detections.
// $rows
UNWIND $rows AS r
MERGE (d:Detection {id: r.id})
SET d.chain = r.chain, d.reasons = r.reasons, d.actors = r.actors,
  d.actor_types = r.actor_types, d.usd = r.usd, d.counter = r.counter,
  d.order_key = r.order_key, d.detected_at = r.detected_at
