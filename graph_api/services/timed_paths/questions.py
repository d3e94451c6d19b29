"""What paths are asked for: from whom to whom, which are the best, and what they may pass."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from graph_api.analysis.paths.wishes import PathOrder, Wish
from graph_api.domain.clusters import anchor_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, TokenId, chain_id_of, chain_of_id
from graph_api.services.walks import HUB

MOST_HOPS: Final = 6
MOST_PATHS: Final = 50
BIGGEST_HUB: Final = 10_000


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one answer costs: flows and transfers looked at, and continuations tried."""

    flows: int = 25_000
    transfers: int = 10_000
    choices: int = 200_000


class PathEnd(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A wallet; or any wallet of an actor, or of a cluster. One of them."""

    wallet: AccountId | None = None
    actor: str | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.wallet, self.actor, self.cluster)) != 1:
            raise BadInput("Name a wallet, an actor or a cluster, one of them.")

    @property
    def chain(self) -> ChainId | None:
        """Where it is; None of an actor, who may be on several."""
        anchor = self.wallet if self.cluster is None else anchor_of(self.cluster)
        if anchor is None and self.cluster is not None:
            raise BadInput(f"{self.cluster[:100]!r} is no id of a cluster.")
        return None if anchor is None else chain_id_of(anchor)


class PathsQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The best paths in time.

    Args:
        chain: On which one; needed between two actors.
        count: How many.
        token: Only hops of it; the order AMOUNT needs it.
        min_raw: Hops of fewer base units do not count.
        continuity: Each hop is of the same token as the one before, and of this share of its
            amount at least.
        routes: Paths by the same wallets count once.
        since, until: Hops outside do not count.
        as_of, as_of_block: What happened later is not known; now, and the newest block, if None.
        hub: Wallets with more flows are not passed.
        through_services: Pass services like others.
    """

    start: PathEnd
    end: PathEnd
    chain: ChainId | None = None
    count: int = 5
    by: PathOrder = PathOrder.HOPS
    max_hops: int = MOST_HOPS
    token: TokenId | None = None
    min_raw: int | None = None
    continuity: Decimal | None = None
    routes: bool = False
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    as_of_block: int | None = None
    hub: int = HUB
    through_services: bool = False

    def __post_init__(self) -> None:
        for name, asked, most in (
            ("k", self.count, MOST_PATHS),
            ("maxHops", self.max_hops, MOST_HOPS),
            ("hub", self.hub, BIGGEST_HUB),
        ):
            if not 1 <= asked <= most:
                raise BadInput(f"{name} is a number of 1 to {most:,}, not {asked}.")
        if self.by is PathOrder.AMOUNT and self.token is None:
            raise BadInput("Amounts of one token can be compared; name the `token`.")
        if self.min_raw is not None and self.min_raw < 0:
            raise BadInput("An amount is never below zero.")
        if self.continuity is not None and not 0 < self.continuity <= 1:
            raise BadInput("continuity is a share above 0, and 1 at most.")
        if self.since and self.until and self.until < self.since:
            raise BadInput("`until` lies before `since`.")
        self._check_chain()

    @property
    def on(self) -> ChainId:
        """The chain. Raises: BadInput."""
        chain = self.chain or self.start.chain or self.end.chain
        if chain is None:
            raise BadInput("Two actors may have met on any chain; name the `chain`.")
        return chain

    def wish(self, hops: int) -> Wish:
        """What is wanted of paths of up to so many hops."""
        return Wish(
            count=self.count,
            by=self.by,
            max_hops=hops,
            token=self.token,
            least=self.min_raw,
            continuity=None if self.continuity is None else Fraction(self.continuity),
            routes=self.routes,
        )

    def _check_chain(self) -> None:
        on = self.on
        if any(chain not in (None, on) for chain in (self.start.chain, self.end.chain)):
            raise BadInput("Both ends have to be on one chain, for no transfer leads across.")
        if self.token is not None and chain_of_id(self.token).id != on:
            raise BadInput("The token is on another chain.")
