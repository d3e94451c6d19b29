"""Compiled execution: a query is planned once per document and then runs as a straight line."""
