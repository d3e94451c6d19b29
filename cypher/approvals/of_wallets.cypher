// Approvals that wallets gave, the newest first.
// $wallets ids   $limit rows for each
UNWIND $wallets AS id
CALL (id) {
  MATCH (:Wallet {id: id})-[:GRANTED]->(a:Approval)
  RETURN a ORDER BY coalesce(a.block_number, -1) DESC, a.id DESC LIMIT $limit
}
RETURN
  a.id AS id, a.chain AS chain, a.token AS token, a.owner AS owner, a.spender AS spender,
  a.amount_raw AS amount_raw, a.block_number AS block_number, a.block_time AS block_time
