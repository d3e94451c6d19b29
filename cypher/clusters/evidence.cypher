// Evidence of a chain, in the order of its ids.
// $after, $end keys, exclusive   $limit
MATCH (e:Evidence) WHERE e.id > $after AND e.id < $end
WITH e ORDER BY e.id LIMIT $limit
RETURN e.id AS key, e.heuristic AS heuristic, e.start AS start, e.end AS end,
  e.transaction AS transaction, e.block_number AS block_number, e.confidence AS confidence
