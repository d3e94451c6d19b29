// Outputs, new or known.
// $rows
UNWIND $rows AS r
MERGE (o:Output {id: r.id})
SET o.chain = r.chain, o.amount_raw = r.amount_raw, o.owner = r.owner, o.script = r.script,
    o.created = r.created, o.spent = r.spent
