// Actors, new or known.
// $rows
UNWIND $rows AS r
MERGE (a:Actor {id: r.id})
SET a.name = r.name, a.type = r.type, a.url = r.url, a.logo_url = r.logo_url,
    a.jurisdictions = r.jurisdictions, a.source = r.source, a.confidence = r.confidence,
    a.registered = r.registered
