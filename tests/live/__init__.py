"""The room that speaks Redis."""
