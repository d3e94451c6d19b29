"""Explorers of chains: what single accounts did, looked up instead of followed."""
