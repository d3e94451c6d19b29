// What flows are worth, exactly and to rank by.
// $rows of id, usd, micros and priced
UNWIND $rows AS r
MATCH (f:Flow {id: r.id})
SET f.usd = r.usd, f.usd_micros = r.micros, f.priced = r.priced
