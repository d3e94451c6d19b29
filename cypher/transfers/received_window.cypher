// How many transfers that reached a wallet lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.recipient_key > b.low AND t.recipient_key < b.high
  WITH t ORDER BY t.recipient_key LIMIT $most
  RETURN b.number AS number, count(t) AS rows
}
RETURN number, rows
