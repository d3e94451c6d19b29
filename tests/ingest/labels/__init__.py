"""Tests of label sources."""
