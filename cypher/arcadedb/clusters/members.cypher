// Which cluster each wallet of a chain is in, in the order of their ids. They come in the order of the index by themselves, and
// would all be sorted for every page if the statement asked for it.
// $after, $end keys, exclusive   $limit
MATCH (m:Member) WHERE m.id > $after AND m.id < $end
WITH m LIMIT $limit
RETURN m.id AS key, m.cluster AS cluster
