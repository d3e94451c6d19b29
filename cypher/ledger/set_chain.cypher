// New counters of a chain.
// $row
MERGE (c:Chain {id: $row.id})
SET c.blocks = $row.blocks, c.transactions = $row.transactions, c.transfers = $row.transfers,
    c.wallets = $row.wallets, c.untimed = $row.untimed, c.first_block = $row.first_block,
    c.last_block = $row.last_block, c.first_at = $row.first_at, c.last_at = $row.last_at
