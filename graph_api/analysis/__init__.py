"""Pure functions over records and arrays: no I/O, no clock, no engine."""
