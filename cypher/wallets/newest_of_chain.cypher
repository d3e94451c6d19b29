// The newest transfers of a chain, up to $scan, once for each side, and the wallet on that side:
// the recipient stands behind the sender, and who pays himself stands there once.
// $branches of owner, after and end (keys, the sender's exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.order_key > b.after AND t.order_key < b.end
  WITH t ORDER BY t.order_key LIMIT $scan
  RETURN b.owner AS owner, 'out' AS side, t.order_key AS key,
    t.sender AS wallet
  UNION ALL
  MATCH (t:Transfer) WHERE t.order_key >= b.after AND t.order_key < b.end
  WITH t ORDER BY t.order_key LIMIT $scan
  RETURN b.owner AS owner, 'in' AS side, t.order_key AS key,
    CASE WHEN t.sender = t.recipient THEN null ELSE t.recipient END AS wallet
}
RETURN owner, side, key, wallet
