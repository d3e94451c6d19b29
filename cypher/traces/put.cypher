// A published trace itself.
// $id and its properties   uses constraint trace_id
MERGE (t:Trace {id: $id})
SET t.name = $name, t.workspace = $workspace, t.owner = $owner, t.digest = $digest,
  t.policy = $policy, t.direction = $direction, t.chain = $chain, t.complete = $complete,
  t.block = $block, t.made_at = $made_at
