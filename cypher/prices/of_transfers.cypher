// What transfers were priced by.
// $ids
UNWIND $ids AS id
MATCH (t:Transfer {id: id}) WHERE t.usd IS NOT NULL
RETURN t.id AS transfer, t.usd AS usd, t.usd_source AS source, t.usd_at AS at
