"""The vault's history, one numbered Alembic revision per file.

A revision is frozen once released and imports nothing of ours. Its ``upgrade(op, now)`` gets its
operations and the moment as arguments and runs in one transaction, which holds the migration lock.
There is no ``downgrade``: the way back is a backup.
"""
