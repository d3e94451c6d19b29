// Actors by their ids; an id that is not there has no row.
// $ids   uses constraint actor_id
UNWIND $ids AS id
MATCH (a:Actor {id: id})
RETURN a.id AS id, a.name AS name, a.type AS type, a.url AS url, a.logo_url AS logo_url,
  a.jurisdictions AS jurisdictions, a.source AS source, a.confidence AS confidence,
  coalesce(a.registered, false) AS registered
