// Prices that go, but for those that have been pinned meanwhile.
// $ids
UNWIND $ids AS id
MATCH (p:Price {id: id}) WHERE p.pinned IS NULL
WITH p, id
DELETE p
RETURN id
