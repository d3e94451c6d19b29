// Which migrations the graph has seen, in order.
MATCH (m:Migration)
RETURN m.number AS number, m.name AS name, m.checksum AS checksum, m.done AS done, m.last AS last,
       m.applied_at AS applied_at
ORDER BY number
