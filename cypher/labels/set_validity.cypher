// Until when labels hold.
// $rows of id and valid_to
UNWIND $rows AS r
MATCH (l:Label {id: r.id})
SET l.valid_to = r.valid_to
