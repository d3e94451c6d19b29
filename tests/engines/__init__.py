"""The engines, run for real."""
