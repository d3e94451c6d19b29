// Counters of chains by their CAIP-2 ids; a chain without facts has no row.
// $ids   uses constraint chain_id
UNWIND $ids AS id
MATCH (c:Chain {id: id})
RETURN c.id AS id, c.blocks AS blocks, c.transactions AS transactions, c.transfers AS transfers,
  c.wallets AS wallets, c.untimed AS untimed, c.first_block AS first_block,
  c.last_block AS last_block, c.first_at AS first_at, c.last_at AS last_at
