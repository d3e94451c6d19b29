// Until when labels hold that are there.
// $ids
UNWIND $ids AS id
MATCH (l:Label {id: id})
RETURN l.id AS id, l.valid_to AS valid_to
