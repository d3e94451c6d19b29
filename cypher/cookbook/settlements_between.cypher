// Which settlements in two legs happened between a desk and a client?
// A leg of one token towards the desk and a leg of another token back, within some hours, whichever
// came first. Every pair is a row: several trades in one day make more pairs than trades.
// $desk    account  the desk's wallet
// $client  account  the other wallet; name the quieter one here, its transfers are walked
// $hours   integer  most hours between the legs; default 24
// $since   moment   first leg from this moment on; default 1970-01-01
// $until   moment   first leg before this moment; default 9999-12-31
// $limit   integer  rows; default 100
// Example: desk=ethereum:0x31c7fbe8e8a69c7cefc73f8c8d2595f732ac5d82 client=ethereum:0x2d15dafff4d12587d283bbce28f3550f6336df49 hours=5
MATCH (:Wallet {id: $client})-[:SENT]->(came:Transfer)
WHERE came.recipient = $desk AND came.block_time >= $since AND came.block_time < $until
WITH collect(came) AS coming
MATCH (:Wallet {id: $client})<-[:REACHED]-(went:Transfer)
WHERE went.sender = $desk AND went.block_time IS NOT NULL
WITH coming, collect(went) AS going
UNWIND coming AS came
UNWIND going AS went
WITH came, went, abs(went.block_time - came.block_time) AS gap
WHERE came.token <> went.token AND gap <= $hours * 3600000
WITH came, went, gap ORDER BY gap, came.id, went.id LIMIT $limit
OPTIONAL MATCH (paid:Token {id: came.token})
OPTIONAL MATCH (got:Token {id: went.token})
RETURN datetime({epochMillis: came.block_time}) AS client_paid_at, paid.symbol AS client_paid,
  came.amount_raw AS paid_raw, came.amount AS paid_amount,
  datetime({epochMillis: went.block_time}) AS desk_paid_at, got.symbol AS desk_paid,
  went.amount_raw AS returned_raw, went.amount AS returned_amount, gap / 60000 AS minutes_apart,
  came.transaction AS client_transaction, went.transaction AS desk_transaction
ORDER BY minutes_apart, client_transaction, desk_transaction
