// Which approvals are there already.
// $ids
UNWIND $ids AS id
MATCH (a:Approval {id: id})
RETURN a.id AS id
