// Where every line stands.
MATCH (l:Line)
RETURN l.line AS line, l.chain AS chain, l.epoch AS epoch, l.first AS first, l.last AS last
ORDER BY l.id
