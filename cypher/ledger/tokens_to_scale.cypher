// Tokens whose decimals came after transfers of them.
// $chain
MATCH (t:Token) WHERE t.chain = $chain AND t.unscaled > 0 AND t.decimals IS NOT NULL
RETURN t.id AS id
