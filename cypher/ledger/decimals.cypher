// Decimals of every token that has them told.
MATCH (t:Token) WHERE t.decimals IS NOT NULL
RETURN t.id AS id, t.decimals AS decimals
