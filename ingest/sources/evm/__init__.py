"""EVM chains: what nodes and exports say, as records."""
