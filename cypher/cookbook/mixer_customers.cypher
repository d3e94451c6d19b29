// Who paid into mixers, and who was paid by them?
// Every wallet that carries a label of the category, and those that dealt with it directly.
// $category  text     which label, such as mixer, sanctioned, scam; default mixer
// $limit     integer  rows; default 200
// $first $last  keys of $category
// Example: category=mixer
MATCH (l:Label)
WHERE l.category_key >= $first AND l.category_key < $last AND l.category = $category
  AND l.withdrawn_at IS NULL
MATCH (l)<-[:HAS_LABEL]-(marked:Wallet)-[road:FLOWED]-(other:Wallet)
WHERE other.id <> marked.id
WITH DISTINCT marked.id AS marked, l.label AS label, other.id AS customer, road.id AS flow
MATCH (f:Flow {id: flow})
OPTIONAL MATCH (k:Token {id: f.token})
RETURN customer, CASE WHEN f.recipient = marked THEN 'paid in' ELSE 'was paid' END AS did, label,
  k.symbol AS symbol, f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount
ORDER BY did, transfers DESC, customer, symbol
LIMIT $limit
