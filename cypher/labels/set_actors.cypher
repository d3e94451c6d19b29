// Actors, new or known: the newest word wins, silence does not erase.
// $rows
UNWIND $rows AS r
MERGE (a:Actor {id: r.id})
SET a.name = r.name, a.type = r.type, a.text = r.text, a.url = coalesce(r.url, a.url),
    a.logo_url = coalesce(r.logo_url, a.logo_url),
    a.jurisdictions = coalesce(r.jurisdictions, a.jurisdictions),
    a.source = coalesce(r.source, a.source)
