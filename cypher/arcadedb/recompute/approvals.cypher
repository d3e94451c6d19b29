// Approvals, in the order of their ids. They come in the order of
// the index by themselves, and would all be sorted for every page if the statement asked for it.
// $after id of the last one of the page before   $limit   uses constraint approval_id
MATCH (a:Approval) WHERE a.id > $after
WITH a LIMIT $limit
RETURN a.id AS id, a.chain AS chain, a.owner AS wallet, a.block_number AS block_number,
       a.block_time AS block_time
