// What stands behind the wallets of a chain, in the order of their ids.
// $after, $end keys, exclusive   $limit
MATCH (w:Wallet) WHERE w.id > $after AND w.id < $end
WITH w ORDER BY w.id LIMIT $limit
RETURN w.id AS key, w.chain AS chain, w.kind AS kind
