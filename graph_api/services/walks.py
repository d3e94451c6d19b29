"""What every walk along flows has in common: where it stops, and why."""

from enum import StrEnum
from typing import Final

#: Wallets with more flows than this are not passed, unless told otherwise.
HUB: Final = 1_000


class Stop(StrEnum):
    """Why a walk did not go on from a wallet, or not along all of its flows."""

    SERVICE = "service"
    HUB = "hub"
    BUDGET = "budget"
    EDGES = "edges"
    DEPTH = "depth"
