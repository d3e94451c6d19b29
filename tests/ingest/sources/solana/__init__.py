"""Tests of Solana over JSON-RPC."""
