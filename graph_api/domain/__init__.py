"""Ids, records, the chain table, units and errors. Plain Python: no I/O and no framework."""
