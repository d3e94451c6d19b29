"""Why a transfer is taken for one that was agreed on over the counter, and by which rules."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from graph_api.domain.records import ActorType


class Reason(StrEnum):
    """Why a transfer is told of as OTC."""

    DESK = "desk"
    EXCHANGE = "exchange"
    LARGE = "large"


#: Whoever deals with one of these deals over the counter.
DESK_TYPES: Final = (ActorType.OTC_DESK, ActorType.MARKET_MAKER, ActorType.PROP_TRADING)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """When a transfer is large among those of its token.

    Args:
        floor_usd: Worth less, none is.
        one_in: Of so many transfers at most one was as large.
        days: How many whole days (UTC) before its own are looked at.
        least: How many transfers these must have had.
    """

    floor_usd: Decimal = Decimal(100_000)
    one_in: int = 1_000
    days: int = 30
    least: int = 1_000
