// How far a dataset is loaded.
// $id $source $format $row $read $rejected $done   $written, $known are added   $now epoch ms
MERGE (c:Checkpoint {id: $id})
SET c.source = $source, c.format = $format, c.row = $row, c.read = coalesce(c.read, 0) + $read,
    c.rejected = coalesce(c.rejected, 0) + $rejected, c.done = $done,
    c.written = coalesce(c.written, 0) + $written, c.known = coalesce(c.known, 0) + $known,
    c.started_at = coalesce(c.started_at, $now), c.updated_at = $now
