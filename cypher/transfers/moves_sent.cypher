// What a wallet sent, newest first, in few words: for exact sums.
// $branches of owner, after and end (keys, exclusive)   $limit
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.sender_key > b.after AND t.sender_key < b.end
  WITH t ORDER BY t.sender_key LIMIT $limit
  RETURN 'out' AS side, CASE WHEN t.sender = b.owner THEN t.sender_key END AS key, t.sender_key AS last,
    t.token AS token, t.amount_raw AS amount_raw, t.block_time AS block_time,
    t.block_number AS block_number
}
RETURN side, key, last, token, amount_raw, block_time, block_number
