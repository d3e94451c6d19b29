"""Pools of endpoints."""
