"""Files as sources: every format is recognised by its columns and read as a stream of records."""
