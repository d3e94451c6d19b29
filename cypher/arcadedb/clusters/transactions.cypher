// Transactions of a chain in few words, newest first. They come in the order of the index by themselves, and
// would all be sorted for every page if the statement asked for it.
// $after, $end keys, exclusive   $limit
MATCH (x:Transaction) WHERE x.order_key > $after AND x.order_key < $end
WITH x LIMIT $limit
RETURN x.order_key AS key, x.chain AS chain, x.id AS id, x.sender AS sender,
  x.block_number AS block_number, x.block_time AS block_time, x.coinbase AS coinbase
