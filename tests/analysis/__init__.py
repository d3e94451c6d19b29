"""Analysis: pure functions against their definitions."""
