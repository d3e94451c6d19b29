"""The vault on SQLite and on a real PostgreSQL."""
