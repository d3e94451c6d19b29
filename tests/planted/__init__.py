"""Planted worlds."""
