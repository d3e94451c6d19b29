// Labels by their ids; an id that is not there has no row.
// $ids   uses constraint label_id
UNWIND $ids AS id
MATCH (l:Label {id: id})
RETURN
  l.id AS id, l.label AS label, l.category AS category, l.confidence AS confidence,
  l.source AS source, l.source_url AS source_url, l.actor AS actor,
  l.valid_from AS valid_from, l.valid_to AS valid_to, l.learned_at AS learned_at,
  l.withdrawn_at AS withdrawn_at, l.source_category AS source_category,
  l.defines_cluster AS defines_cluster, l.note AS note
