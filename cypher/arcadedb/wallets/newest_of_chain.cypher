// The newest transfers of a chain, up to $scan, once for each side, and the wallet on that side:
// the recipient stands behind the sender, and who pays himself stands there once.
// $owner, $after and $end (keys, the sender's exclusive), joined by UNION ALL. No ORDER BY
// and no further MATCH: this engine would sort, or leave the index.
MATCH (t:Transfer) WHERE t.order_key > $after AND t.order_key < $end
WITH t LIMIT $scan
RETURN $owner AS owner, 'out' AS side, t.order_key AS key,
  t.sender AS wallet
UNION ALL
MATCH (t:Transfer) WHERE t.order_key >= $after AND t.order_key < $end
WITH t LIMIT $scan
RETURN $owner AS owner, 'in' AS side, t.order_key AS key,
  CASE WHEN t.sender = t.recipient THEN null ELSE t.recipient END AS wallet
