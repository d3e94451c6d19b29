// Where following a chain stands now.
// $row of a scanner, moments as epoch ms
MERGE (s:Scanner {id: $row.chain})
SET s.block = $row.block, s.hash = $row.hash, s.final = $row.final, s.head = $row.head,
    s.reorgs = $row.reorgs, s.deepest = $row.deepest, s.ranges = $row.ranges,
    s.started_at = $row.started_at, s.updated_at = $row.updated_at
