"""Who is one: evidence from facts, one module for each kind, and clusters from evidence."""
