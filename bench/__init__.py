"""Measurements: each module measures one thing on a real engine and prints ratios."""
