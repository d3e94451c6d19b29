// Labels that nothing stands behind any more.
// $ids
UNWIND $ids AS id
MATCH (l:Label {id: id})
DETACH DELETE l
