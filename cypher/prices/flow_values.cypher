// What flows are worth, exactly.
// $ids
UNWIND $ids AS id
MATCH (f:Flow {id: id})
RETURN f.id AS id, f.usd_micros AS micros, f.priced AS priced
