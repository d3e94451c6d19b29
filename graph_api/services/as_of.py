"""Up to where a chain was known when something was asked."""

from datetime import datetime

import msgspec

from graph_api.domain.ids import ChainId


class AsOf(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer about a chain rests on.

    Args:
        block: The newest block that counted; None where nobody tells of blocks.
        at: Labels, and what happened where times are known, are those of this moment.
    """

    chain: ChainId
    block: int | None
    at: datetime
