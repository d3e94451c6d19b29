// How much there is of each chain, by its counters.
MATCH (c:Chain)
RETURN coalesce(c.transfers, 0) AS transfers, coalesce(c.wallets, 0) AS wallets
