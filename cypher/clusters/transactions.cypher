// Transactions of a chain in few words, newest first.
// $after, $end keys, exclusive   $limit
MATCH (x:Transaction) WHERE x.order_key > $after AND x.order_key < $end
WITH x ORDER BY x.order_key LIMIT $limit
RETURN x.order_key AS key, x.chain AS chain, x.id AS id, x.sender AS sender,
  x.block_number AS block_number, x.block_time AS block_time, x.coinbase AS coinbase
