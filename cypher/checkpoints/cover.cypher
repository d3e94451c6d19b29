// What of a wallet's history is read, as of now.
// $id of the checkpoint   $ranges
MATCH (c:Checkpoint {id: $id})
SET c.ranges = $ranges
