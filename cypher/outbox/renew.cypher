// Begin a new epoch of a line, unless somebody has begun one already.
// $id of the line   $epoch that ends   $next epoch
MATCH (l:Line {id: $id}) WHERE l.epoch = $epoch
SET l.epoch = $next
