// Tokens that nothing refers to any more.
// $ids
UNWIND $ids AS id
MATCH (t:Token {id: id})
DETACH DELETE t
