// Evidence by its ids.
// $ids
UNWIND $ids AS id
MATCH (e:Evidence {id: id})
RETURN e.id AS id, e.heuristic AS heuristic, e.start AS start, e.end AS end,
  e.transaction AS transaction, e.block_number AS block_number, e.confidence AS confidence
