"""What can be run, and its command line."""
