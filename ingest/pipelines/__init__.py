"""From a source to the graph: batches, totals, leases and checkpoints."""
