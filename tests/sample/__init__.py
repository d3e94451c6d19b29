"""The sample economy: believable, exact, and the same every time."""
