"""The sample economy: invented people and seeded chance, written as files that a load reads."""

from deskgraph.sample.economy import SIZES, write_economy

__all__ = ["SIZES", "write_economy"]
