"""What a trace is asked: from where, which way, by which rule, how far."""

from datetime import datetime

import strawberry

from graph_api.analysis.tracing.policies import Policy
from graph_api.domain.ids import AccountId, TokenId, TransferId, parse_transaction
from graph_api.schema.scalars import BigInt
from graph_api.services.tracing.questions import HUB, TraceQuestion, Way

strawberry.enum(
    Policy,
    name="TracePolicy",
    description=(
        "Which units leave a wallet that holds traced and other ones. POISON: all, once anything "
        "traced has come. HAIRCUT: the traced part in proportion. FIFO: those that came first. "
        "LIFO: those that came last. TIHO: traced ones with the highest payments. Defined in "
        "docs/methods.md."
    ),
)
strawberry.enum(
    Way,
    name="TraceDirection",
    description="FORWARD: where the seeds went. BACKWARD: where they came from.",
)


@strawberry.input(one_of=True, description="What a trace begins with.")
class TraceSeed:
    """One of these."""

    transfers: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="What these transfers moved: their `transferId`s."
    )
    transaction: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="What a transaction moved, or its outputs: `ethereum:0x…`.",
    )
    outputs: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Outputs of a UTXO chain, by their ids."
    )
    wallet: AccountId | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "All that a wallet has at `since` and receives from then on; backwards, all that it "
            "has at `until`, or sent before."
        ),
    )


@strawberry.input(description="A trace: from where, which way, how far.")
class TraceInput:
    """The same asked twice, as of the same moment, is answered the same."""

    seed: TraceSeed = strawberry.field(description="What it begins with.")
    direction: Way = strawberry.field(default=Way.FORWARD, description="Which way.")
    policy: Policy = strawberry.field(default=Policy.FIFO, description="Which units move.")
    token: TokenId | None = strawberry.field(
        default=None, description="What of the seed is traced; needed for a wallet that has tokens."
    )
    since: datetime | None = strawberry.field(default=None, description="Not what came before.")
    until: datetime | None = strawberry.field(default=None, description="Not what came later.")
    as_of: datetime | None = strawberry.field(
        default=None, description="As it was known at this moment, labels included; now if null."
    )
    as_of_block: BigInt | None = strawberry.field(
        default=None, description="As the chain of the seed was at this block; the newest if null."
    )
    min_raw: BigInt = strawberry.field(
        default=BigInt(0), description="Smaller pieces are not followed; base units."
    )
    max_hops: int | None = strawberry.field(
        default=None, description="Transfers from the seed on; null: any number."
    )
    hub: int = strawberry.field(
        default=HUB, description="Wallets with more transfers than this are not gone on from."
    )
    through_services: bool = strawberry.field(
        default=False, description="Go on from exchanges, mixers and other services, too."
    )
    over_crossings: bool = strawberry.field(
        default=True, description="Go on through swaps and over bridges."
    )

    def asked(self) -> TraceQuestion:
        """What services understand. Raises: BadInput."""
        seed = self.seed
        transaction = seed.transaction or None
        return TraceQuestion(
            transfers=tuple(map(TransferId, seed.transfers or ())),
            transaction=parse_transaction(transaction) if transaction else None,
            outputs=tuple(seed.outputs or ()),
            wallet=seed.wallet or None,
            way=self.direction,
            policy=self.policy,
            token=self.token,
            since=self.since,
            until=self.until,
            as_of=self.as_of,
            as_of_block=self.as_of_block,
            min_raw=int(self.min_raw),
            max_hops=self.max_hops,
            hub=self.hub,
            through_services=self.through_services,
            over_crossings=self.over_crossings,
        )
