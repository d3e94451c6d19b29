"""Bitcoin by its nodes' JSON-RPC."""
