// The loads that moved last.
// $limit
MATCH (c:Checkpoint)
RETURN c.id AS id, c.source AS source, c.format AS format, c.row AS row, c.read AS read,
       c.written AS written, c.known AS known, c.rejected AS rejected, c.done AS done,
       c.started_at AS started_at, c.updated_at AS updated_at
ORDER BY updated_at DESC, id LIMIT $limit
