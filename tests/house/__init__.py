"""The house itself: set-up, locks, scans, packaging."""
