"""Ingestion: what sources say, and what becomes of it."""
