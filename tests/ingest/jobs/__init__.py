"""Tests of the load command as users run it."""
