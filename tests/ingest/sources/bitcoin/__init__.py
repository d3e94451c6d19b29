"""Tests of Bitcoin over JSON-RPC."""
