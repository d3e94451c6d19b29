"""The cookbook on both engines, its command and its document."""
