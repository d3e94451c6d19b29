// Approvals that did not happen.
// $ids
UNWIND $ids AS id
MATCH (a:Approval {id: id})
DETACH DELETE a
