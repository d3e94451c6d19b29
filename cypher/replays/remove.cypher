// Take a replay away that has no roads any more.
MATCH (r:ClusterReplay {id: $id}) DETACH DELETE r
