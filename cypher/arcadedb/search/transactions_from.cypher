// Transactions whose ids begin so: up to $limit.
// $prefix, joined by UNION ALL for several beginnings
MATCH (x:Transaction) WHERE x.id STARTS WITH $prefix
WITH x LIMIT $limit
RETURN x.id AS id
