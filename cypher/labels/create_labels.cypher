// New labels.
// $rows
UNWIND $rows AS r
CREATE (:Label {id: r.id, label: r.label, category: r.category, confidence: r.confidence,
  source: r.source, source_url: r.source_url, actor: r.actor, valid_from: r.valid_from,
  valid_to: r.valid_to, learned_at: r.learned_at, withdrawn_at: r.withdrawn_at,
  source_category: r.source_category, defines_cluster: r.defines_cluster, note: r.note,
  actor_key: r.actor_key, category_key: r.category_key})
