// What of a wallet's history is read, as of now.
// $id of the checkpoint   $ranges   $accounts that act for the wallet, or null
MATCH (c:Checkpoint {id: $id})
SET c.ranges = $ranges, c.accounts = $accounts
