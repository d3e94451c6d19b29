// Detections of transfers that were taken back.
// $ids
UNWIND $ids AS id
MATCH (d:Detection {id: id})
DETACH DELETE d
