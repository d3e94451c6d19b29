// Outputs that no loaded transaction creates or spends any more.
// $ids
UNWIND $ids AS id
MATCH (o:Output {id: id})
DETACH DELETE o
