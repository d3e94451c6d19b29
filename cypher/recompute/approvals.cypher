// Approvals, in the order of their ids.
// $after id of the last one of the page before   $limit   uses constraint approval_id
MATCH (a:Approval) WHERE a.id > $after
WITH a ORDER BY a.id LIMIT $limit
RETURN a.id AS id, a.chain AS chain, a.owner AS wallet, a.block_number AS block_number,
       a.block_time AS block_time
