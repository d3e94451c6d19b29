// What stands behind the wallets of a chain, in the order of their ids. They come in the order of the index by themselves, and
// would all be sorted for every page if the statement asked for it.
// $after, $end keys, exclusive   $limit
MATCH (w:Wallet) WHERE w.id > $after AND w.id < $end
WITH w LIMIT $limit
RETURN w.id AS key, w.chain AS chain, w.kind AS kind
