"""Paths in time, read from the graph."""
