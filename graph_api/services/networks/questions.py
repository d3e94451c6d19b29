"""What a network is asked: around whom, how far, how much of it, and as of when."""

from datetime import datetime

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId
from graph_api.services.walks import HUB
from graph_api.store.transfers import Direction
from graph_api.store.walks import FlowPlace


class NetworkQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Around whom, how far, and how much of it.

    Args:
        since: Only flows with a transfer since then.
        as_of, as_of_block: Totals are those of then; now, where both are None.
        after: Of the centre's flows only those behind this place.
        without: Ids of flows that are shown already.
    """

    centre: AccountId
    depth: int = 2
    direction: Direction = Direction.BOTH
    token: TokenId | None = None
    since: datetime | None = None
    by_amount: bool = False
    per_wallet: int = 25
    max_edges: int = 500
    hub: int = HUB
    through_services: bool = False
    as_of: datetime | None = None
    as_of_block: int | None = None
    after: FlowPlace | None = None
    without: frozenset[str] = frozenset()

    @property
    def is_of_then(self) -> bool:
        """Whether totals are those of an earlier moment."""
        return self.as_of is not None or self.as_of_block is not None

    def check(self) -> None:
        """Raises: BadInput where no answer has a meaning."""
        if self.by_amount and self.token is None:
            raise BadInput("Amounts of different tokens cannot be compared; name a `token` too.")
        if self.as_of is not None and self.as_of_block is not None:
            raise BadInput("Name a moment or a block, not both.")
        if self.after is not None and self.after.by_amount != self.by_amount:
            raise BadInput("The cursor comes from flows in another order; ask in that order.")
