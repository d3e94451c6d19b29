"""Writing facts: one chain's transactions, transfers and outputs with their exact totals."""
