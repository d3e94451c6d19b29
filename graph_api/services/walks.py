"""What every walk along flows has in common: where it stops, and why."""

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from graph_api.domain.ids import ChainId

#: Wallets with more flows than this are not passed, unless told otherwise.
HUB: Final = 1_000


class Stop(StrEnum):
    """Why a walk did not go on from a wallet, or not along all of its flows."""

    SERVICE = "service"
    HUB = "hub"
    BUDGET = "budget"
    EDGES = "edges"
    DEPTH = "depth"


class RestsOn(NamedTuple):
    """Up to where the chain of an answer was known.

    Args:
        block: The newest block that counted.
        at: Labels are those of this moment.
        undated: What was left out, because nobody knows whether it had happened.
    """

    chain: ChainId
    block: int | None
    at: datetime
    undated: int = 0
