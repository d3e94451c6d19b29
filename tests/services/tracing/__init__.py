"""Tests of traces through the graph."""
