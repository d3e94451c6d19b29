// Transactions, in the order of their ids.
// $after id of the last one of the page before   $limit   uses constraint transaction_id
MATCH (x:Transaction) WHERE x.id > $after
WITH x ORDER BY x.id LIMIT $limit
RETURN x.id AS id, x.chain AS chain, x.sender AS sender, x.recipient AS recipient,
       x.value_raw AS value_raw, x.block_number AS block_number, x.block_time AS block_time
