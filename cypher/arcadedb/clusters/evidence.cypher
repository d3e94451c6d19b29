// Evidence of a chain, in the order of its ids. They come in the order of the index by themselves, and
// would all be sorted for every page if the statement asked for it.
// $after, $end keys, exclusive   $limit
MATCH (e:Evidence) WHERE e.id > $after AND e.id < $end
WITH e LIMIT $limit
RETURN e.id AS key, e.heuristic AS heuristic, e.start AS start, e.end AS end,
  e.transaction AS transaction, e.block_number AS block_number, e.confidence AS confidence
