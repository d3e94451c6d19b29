"""The one room that speaks Redis."""
