"""The best paths in time."""
