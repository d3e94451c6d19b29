// Approvals of a chain, in the order of their ids.
// $after, $end keys, exclusive   $limit
MATCH (a:Approval) WHERE a.id > $after AND a.id < $end
WITH a ORDER BY a.id LIMIT $limit
RETURN a.id AS key, a.chain AS chain, a.owner AS owner, a.spender AS spender, a.token AS token,
  a.amount_raw AS amount_raw, a.block_number AS block_number, a.block_time AS block_time
