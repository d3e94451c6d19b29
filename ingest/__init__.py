"""Brings the world in: sources become records, pipelines write them; the only code that calls out."""
