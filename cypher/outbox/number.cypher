// Give the next $count numbers of a line; whoever else wants some waits for this transaction.
// $id of the line   $line $chain   $epoch of a line that is new
MERGE (l:Line {id: $id})
ON CREATE SET l.line = $line, l.chain = $chain, l.epoch = $epoch, l.first = 1, l.last = 0
SET l.last = l.last + $count
RETURN l.last AS last
