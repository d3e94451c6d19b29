// Where following a chain stands.
// $chain CAIP-2 id
MATCH (s:Scanner {id: $chain})
RETURN s.id AS chain, s.block AS block, s.hash AS hash, s.final AS final, s.head AS head,
       s.reorgs AS reorgs, s.deepest AS deepest, s.ranges AS ranges,
       s.started_at AS started_at, s.updated_at AS updated_at
