// Take roads of a trace away, $limit of them.
MATCH (t:Trace {id: $id})-[r]->()
WITH r LIMIT $limit
DELETE r
RETURN count(*) AS gone
