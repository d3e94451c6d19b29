"""Brings the world in: sources become records, pipelines write them; only this room calls out."""
