"""Tests of loads: orders, interruptions, turns."""
