// What of wallets' histories is read.
// $ids of checkpoints
UNWIND $ids AS id
MATCH (c:Checkpoint {id: id})
RETURN c.id AS id, c.ranges AS ranges, c.done AS done, c.source AS source, c.read AS read,
       c.updated_at AS updated_at, c.accounts AS accounts
