// Wallets whose ids begin so: up to $limit.
// $prefix, joined by UNION ALL for several beginnings
MATCH (w:Wallet) WHERE w.id STARTS WITH $prefix
WITH w LIMIT $limit
RETURN w.id AS id
