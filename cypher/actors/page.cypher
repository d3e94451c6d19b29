// Actors in the order of their ids; actors are thousands, so the engines may look at all of them.
// $after, $before ids, exclusive   $types $registered $ids; null leaves one out   $limit
MATCH (a:Actor) WHERE a.id > $after AND a.id < $before
  AND ($types IS NULL OR a.type IN $types)
  AND ($registered IS NULL OR coalesce(a.registered, false) = $registered)
  AND ($ids IS NULL OR a.id IN $ids)
RETURN a.id AS id, a.name AS name, a.type AS type, a.url AS url, a.logo_url AS logo_url,
  a.jurisdictions AS jurisdictions, a.source AS source, a.confidence AS confidence,
  coalesce(a.registered, false) AS registered
ORDER BY id LIMIT $limit
