"""Tests of following value."""
