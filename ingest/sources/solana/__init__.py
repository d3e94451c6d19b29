"""Solana by its nodes' JSON-RPC, and by payloads in Helius' shape."""
