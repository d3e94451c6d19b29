// Lock a migration for this transaction, and say how far it has come.
// $number
MERGE (m:Migration {number: $number})
SET m.done = coalesce(m.done, false)
RETURN m.last AS last, m.done AS done
