"""Sources: files as they come, read into records."""
