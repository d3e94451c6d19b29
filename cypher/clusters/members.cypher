// Which cluster each wallet of a chain is in, in the order of their ids.
// $after, $end keys, exclusive   $limit
MATCH (m:Member) WHERE m.id > $after AND m.id < $end
WITH m ORDER BY m.id LIMIT $limit
RETURN m.id AS key, m.cluster AS cluster
