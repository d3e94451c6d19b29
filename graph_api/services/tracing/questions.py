"""What a trace is asked: from where, which way, by which policy, how far, and at which cost."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from graph_api.analysis.tracing.limits import Budget
from graph_api.analysis.tracing.policies import Policy
from graph_api.domain.chains import Chain, Family
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    TokenId,
    TransactionId,
    TransferId,
    chain_of_id,
    native_token,
)

#: What one question may cost that is answered at once, and one that is a job.
AT_ONCE: Final = Budget(events=50_000, wallets=2_000, pieces=20_000, seconds=10)
AS_A_JOB: Final = Budget(events=3_000_000, wallets=100_000, pieces=500_000, seconds=900)
#: Wallets with more transfers than this are not gone on from, unless the question says otherwise.
HUB: Final = 10_000
BIGGEST_HUB: Final = 1_000_000
MOST_SEEDS: Final = 100
MOST_HOPS: Final = 1_000


class Way(StrEnum):
    """Where the seeds went, or where they came from."""

    FORWARD = "forward"
    BACKWARD = "backward"


class TraceQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trace. The seeds are transfers, a transaction, outputs of a UTXO chain, or a wallet.

    Args:
        transfers, transaction: What they moved.
        outputs: Coins of a UTXO chain.
        wallet: All that it has at ``since`` and receives from then on; backwards, all that it has
            at ``until`` and sent before.
        token: What of the seeds is traced; a wallet of an account chain needs it.
        since, until: Movements outside are not followed; earlier ones still decide what is where.
        as_of, as_of_block: What happened later is not known; now, and the newest block, if None.
        min_raw: Pieces of fewer base units are not followed.
        hub: Wallets with more transfers are not gone on from.
        through_services: Go on from services like from others.
        over_crossings: Go on through swaps and over bridges.
    """

    transfers: tuple[TransferId, ...] = ()
    transaction: TransactionId | None = None
    outputs: tuple[str, ...] = ()
    wallet: AccountId | None = None
    way: Way = Way.FORWARD
    policy: Policy = Policy.FIFO
    token: TokenId | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    as_of_block: int | None = None
    min_raw: int = 0
    max_hops: int | None = None
    hub: int = HUB
    through_services: bool = False
    over_crossings: bool = True

    def __post_init__(self) -> None:
        seeds = [
            bool(self.transfers),
            bool(self.outputs),
            bool(self.transaction),
            bool(self.wallet),
        ]
        if sum(seeds) != 1:
            raise BadInput(
                "Name transfers, a transaction, outputs or a wallet to trace, one of them."
            )
        if max(len(self.transfers), len(self.outputs)) > MOST_SEEDS:
            raise BadInput(f"A trace begins with {MOST_SEEDS} transfers or outputs at most.")
        if self.min_raw < 0:
            raise BadInput("An amount is never below zero.")
        if self.max_hops is not None and not 1 <= self.max_hops <= MOST_HOPS:
            raise BadInput(f"maxHops is a number of 1 to {MOST_HOPS:,}, not {self.max_hops}.")
        if not 1 <= self.hub <= BIGGEST_HUB:
            raise BadInput(f"hub is a number of 1 to {BIGGEST_HUB:,}, not {self.hub}.")
        if self.since and self.until and self.until < self.since:
            raise BadInput("`until` lies before `since`.")
        self._check_family()

    @property
    def chain(self) -> Chain:
        """Where it begins. Raises: BadInput."""
        if self.token is not None:
            return chain_of_id(self.token)
        seed = self.wallet or self.transaction or [*self.transfers, *self.outputs][0]
        return chain_of_id(seed)

    @property
    def follows_coins(self) -> bool:
        """Whether it follows outputs rather than balances."""
        return self.chain.family is Family.UTXO

    @property
    def native(self) -> TokenId:
        """The coin of its chain."""
        return native_token(self.chain)

    def _check_family(self) -> None:
        if self.follows_coins:
            if self.transfers:
                raise BadInput(
                    f"Transfers of {self.chain.name} are our allocation of its outputs; name the "
                    "`outputs` or the `transaction`."
                )
            if self.token not in (None, self.native):
                raise BadInput(f"On {self.chain.name} its own coin is traced.")
        elif self.outputs:
            raise BadInput(f"{self.chain.name} has no outputs; name transfers.")
        elif self.wallet is not None and self.token is None:
            raise BadInput("Name the `token` of the wallet that is to be traced.")
