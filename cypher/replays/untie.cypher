// Take roads of a replay away, $limit of them.
MATCH (:ClusterReplay {id: $id})-[r]->()
WITH r LIMIT $limit
DELETE r
RETURN count(*) AS gone
