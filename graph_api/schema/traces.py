"""Following the money: what a trace answers, and traces that are answered at once."""

from datetime import datetime

import strawberry

from graph_api.analysis.tracing.limits import Ended
from graph_api.analysis.tracing.matching import CrossingKind
from graph_api.analysis.tracing.pieces import Fate
from graph_api.analysis.tracing.policies import Policy
from graph_api.domain.ids import AccountId, TokenId, TransferId
from graph_api.domain.records import ActorType
from graph_api.schema.arguments import Argument
from graph_api.schema.as_of import AsOf
from graph_api.schema.ledger import Token, Transfer, Wallet
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, root
from graph_api.schema.trace_questions import TraceInput
from graph_api.services.tracing import lists, running
from graph_api.services.tracing.answers import (
    Reading,
    TraceAnswer,
    TraceCrossing,
    TraceOpening,
    TraceParty,
    TraceRefusal,
    TraceSum,
)
from graph_api.services.tracing.lists import EndAt, PieceAt
from graph_api.services.tracing.questions import AT_ONCE, TraceQuestion, Way
from graph_api.store import tokens, transfers, wallets

strawberry.enum(
    Fate,
    name="TraceFate",
    description=(
        "What became of traced value. HELD: it is still there. SERVICE: it reached somebody who "
        "holds the money of many. HUB: a wallet with too many transfers to go on from. FEE: paid "
        "for a transaction. BURNT: nobody can move it. SMALL, HOPS: below `minRaw`, or `maxHops` "
        "away. CROSSED: it went on as another token or on another chain. UNKNOWN: amounts are "
        "missing that decide. OPEN: the budget was spent. Backwards, ORIGIN: it was there before "
        "all that is loaded. ISSUED: it came into being."
    ),
)
strawberry.enum(
    Ended,
    name="TraceEnded",
    description=(
        "Why a trace ended: COMPLETE, or which part of its budget was spent: EVENTS to read, "
        "WALLETS to reach, PIECES of value, SECONDS. The answer is in part then."
    ),
)
strawberry.enum(
    Reading,
    name="TraceReading",
    description="How movements were read: of the WALLETS that were reached, or of the whole TOKEN.",
)
strawberry.enum(
    CrossingKind,
    name="TraceCrossingKind",
    description="A SWAP in one transaction, or a BRIDGE to another chain.",
)


@strawberry.type(description="An amount that reached a wallet, out of another piece.")
class TracePiece:
    """A step of a path."""

    number: int = strawberry.field(description="Its row in `pieces`, from 0.")
    account_id: AccountId | None = strawberry.field(
        description="CAIP-10 id of who got it; null for a fee, and for what came into being."
    )
    token_id: TokenId = strawberry.field(description="CAIP-19 id of the token.")
    amount_raw: BigInt = strawberry.field(description="How much, in base units.")
    hops: int = strawberry.field(description="Transfers from the seed, which has 0.")
    parent: int | None = strawberry.field(
        description="The piece that it came out of; null for a seed."
    )
    transfer_id: str | None = strawberry.field(
        description="The transfer that brought it; null on UTXO chains and for fees."
    )
    output_id: str | None = strawberry.field(
        description="On UTXO chains, the output that it is in."
    )
    transaction_id: str | None = strawberry.field(
        description="The transaction, as `chain:hash`; null for what was there from the beginning."
    )
    block_number: BigInt | None = strawberry.field(description="Its block, where known.")
    block_time: datetime | None = strawberry.field(description="Its time, where known.")
    crossing: int | None = strawberry.field(
        description="The row in `crossings` of the swap or bridge that it came by; null for none."
    )
    confidence: float = strawberry.field(
        description="How sure the way to it is, 0 to 1: the product over its crossings."
    )
    by_transfer: strawberry.Private[TransferId | None]

    wallet: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="Who got it."
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What it is of."
    )
    transfer: Transfer | None = batched(
        transfers.by_ids, key="by_transfer", of=Transfer.of, description="What brought it."
    )

    @classmethod
    def of(cls, found: PieceAt) -> "TracePiece":
        """As clients see it."""
        piece = found.piece
        return cls(
            number=found.number,
            account_id=piece.wallet,
            token_id=piece.token,
            amount_raw=BigInt(int(piece.amount_raw)),
            hops=piece.hops,
            parent=piece.parent,
            transfer_id=piece.transfer,
            output_id=piece.output,
            transaction_id=piece.transaction,
            block_number=None if piece.block_number is None else BigInt(piece.block_number),
            block_time=piece.block_time,
            crossing=piece.crossing,
            confidence=found.confidence,
            by_transfer=piece.transfer,
        )


@strawberry.type(name="TraceParty", description="Who is known to stand behind a wallet.")
class TracePartyType:
    """By the label that it is best known by, as of the trace."""

    label: str = strawberry.field(description="The words of the source.")
    category: str | None = strawberry.field(description="What it is used for, such as `exchange`.")
    confidence: float = strawberry.field(description="Of the label, 0 to 1.")
    source: str = strawberry.field(description="Who says so.")
    actor_id: str | None = strawberry.field(description="Id of the actor that it names.")
    actor_name: str | None = strawberry.field(description="The actor's name.")
    actor_type: ActorType | None = strawberry.field(description="What the actor does.")

    @classmethod
    def of(cls, found: TraceParty) -> "TracePartyType":
        """As clients see it."""
        return cls(
            label=found.label,
            category=found.category,
            confidence=found.confidence,
            source=found.source,
            actor_id=found.actor,
            actor_name=found.actor_name,
            actor_type=found.actor_type,
        )


@strawberry.type(description="Where traced value ended, how much, why, and how it got there.")
class TraceEnd:
    """An exit record, where its fate is SERVICE."""

    fate: Fate = strawberry.field(description="Why it did not go on.")
    amount_raw: BigInt = strawberry.field(description="How much ended here, in base units.")
    account_id: AccountId | None = strawberry.field(
        description="CAIP-10 id of the wallet; null for a fee, and for what came into being."
    )
    token_id: TokenId = strawberry.field(description="CAIP-19 id of the token.")
    confidence: float = strawberry.field(description="How sure the way is, 0 to 1.")
    party: TracePartyType | None = strawberry.field(description="Who is known to be there.")
    path: list[TracePiece] = strawberry.field(description="From the seed to here.")

    wallet: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="The wallet itself."
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What it is of."
    )

    @classmethod
    def of(cls, found: EndAt) -> "TraceEnd":
        """As clients see it."""
        last = found.path[-1]
        return cls(
            fate=found.end.fate,
            amount_raw=BigInt(int(found.end.amount_raw)),
            account_id=last.piece.wallet,
            token_id=last.piece.token,
            confidence=last.confidence,
            party=None if found.party is None else TracePartyType.of(found.party),
            path=[TracePiece.of(one) for one in found.path],
        )


@strawberry.type(description="How much of a token came to an end of one kind.")
class TraceFateSum:
    """A line of the balance."""

    fate: Fate = strawberry.field(description="Which end.")
    amount_raw: BigInt = strawberry.field(description="How much, in base units.")


@strawberry.type(
    name="TraceSum",
    description=(
        "The balance of one token: seeds and what crossed into it are equal to the ends, to one "
        "base unit, under every policy but POISON."
    ),
)
class TraceSumType:
    """Nothing is lost."""

    token_id: TokenId = strawberry.field(description="CAIP-19 id of the token.")
    seed_raw: BigInt = strawberry.field(description="What began here, in base units.")
    crossed_in_raw: BigInt = strawberry.field(
        description="What came from other tokens and chains, in base units."
    )
    ends: list[TraceFateSum] = strawberry.field(description="What became of it.")

    @classmethod
    def of(cls, found: TraceSum) -> "TraceSumType":
        """As clients see it."""
        return cls(
            token_id=found.token,
            seed_raw=BigInt(int(found.seed_raw)),
            crossed_in_raw=BigInt(int(found.crossed_in_raw)),
            ends=[
                TraceFateSum(fate=Fate(fate), amount_raw=BigInt(int(raw)))
                for fate, raw in found.ends_raw.items()
            ],
        )


@strawberry.type(name="TraceCrossing", description="Evidence that value went on as something else.")
class TraceCrossingType:
    """The movements on both sides."""

    kind: CrossingKind = strawberry.field(description="What it was.")
    confidence: float = strawberry.field(description="How sure that is, 0 to 1.")
    reason: str = strawberry.field(description="Why it is taken for one, in a sentence.")
    paid_ids: list[str] = strawberry.field(description="Transfers that were paid.")
    got_ids: list[str] = strawberry.field(description="Transfers that were got for them.")

    @classmethod
    def of(cls, found: TraceCrossing) -> "TraceCrossingType":
        """As clients see it."""
        return cls(
            kind=found.kind,
            confidence=found.confidence,
            reason=found.reason,
            paid_ids=list(found.paid),
            got_ids=list(found.got),
        )


@strawberry.type(
    name="TraceRefusal",
    description="A swap that value did not go on by: it ends at the pool.",
)
class TraceRefusalType:
    """Where evidence does not suffice."""

    transaction_id: str = strawberry.field(description="The transaction, as `chain:hash`.")
    reason: str = strawberry.field(description="Why, in a sentence.")

    @classmethod
    def of(cls, found: TraceRefusal) -> "TraceRefusalType":
        """As clients see it."""
        return cls(transaction_id=found.transaction, reason=found.reason)


@strawberry.type(
    name="TraceOpening",
    description="Untraced units that a wallet must have had before all that is loaded of it.",
)
class TraceOpeningType:
    """It paid more than it was seen to receive."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet.")
    token_id: TokenId = strawberry.field(description="CAIP-19 id of the token.")
    amount_raw: BigInt = strawberry.field(description="How many, in base units.")

    @classmethod
    def of(cls, found: TraceOpening) -> "TraceOpeningType":
        """As clients see it."""
        amount = BigInt(int(found.amount_raw))
        return cls(account_id=found.wallet, token_id=found.token, amount_raw=amount)


@strawberry.type(description="Where value went, or where it came from.")
class Trace:
    """One answer."""

    direction: Way = strawberry.field(description="Which way.")
    policy: Policy = strawberry.field(description="By which rule.")
    ended: Ended = strawberry.field(description="Why it ended; in part unless COMPLETE.")
    as_of: list[AsOf] = strawberry.field(description="Up to where each chain was known.")
    reading: Reading = strawberry.field(description="How movements were read.")
    events_seen: int = strawberry.field(description="Movements that were looked at.")
    wallets_reached: int = strawberry.field(description="Wallets that value came to.")
    sums: list[TraceSumType] = strawberry.field(description="The balance of each token.")
    crossings: list[TraceCrossingType] = strawberry.field(
        description="Swaps and bridge transfers that value went on by."
    )
    refusals: list[TraceRefusalType] = strawberry.field(
        description="Swaps that value did not go on by, and why."
    )
    openings: list[TraceOpeningType] = strawberry.field(
        description="What wallets must have had before, because their histories begin late."
    )
    uncounted: int = strawberry.field(
        description=(
            "Movements and fees of wallets that were reached which were left out: their amount, "
            "token or time is not known."
        )
    )
    unordered: int = strawberry.field(
        description="Transactions whose inputs were taken in the order of their ids, for their "
        "own is not loaded."
    )
    found: strawberry.Private[TraceAnswer]

    pieces: Connection[TracePiece] = batched(
        lists.pieces,
        key="found",
        of=TracePiece.of,
        paging=Paging(default=100, ceiling=1_000),
        description="All pieces, parents before their children.",
    )
    ends: Connection[TraceEnd] = batched(
        lists.ends,
        key="found",
        of=TraceEnd.of,
        paging=Paging(default=20, ceiling=200),
        arguments={"fates": Argument("Only these fates.", type=list[Fate] | None)},
        description="Where value ended, the largest amounts first; SERVICE alone are exits.",
    )
    export: str | None = batched(
        lists.exports,
        key="found",
        cost=5,
        arguments={"format": "How it is written."},
        description="The whole trace as the text of a file.",
    )

    @classmethod
    def of(cls, found: TraceAnswer) -> "Trace":
        """As clients see it."""
        return cls(
            direction=found.question.way,
            policy=found.question.policy,
            ended=found.ended,
            as_of=[AsOf.of(one) for one in found.as_of],
            reading=found.reading,
            events_seen=found.events,
            wallets_reached=found.wallets,
            sums=[TraceSumType.of(one) for one in found.sums],
            crossings=[TraceCrossingType.of(one) for one in found.crossings],
            refusals=[TraceRefusalType.of(one) for one in found.refusals],
            openings=[TraceOpeningType.of(one) for one in found.openings],
            uncounted=found.uncounted,
            unordered=found.unordered,
            found=found,
        )


def _question(question: TraceInput) -> TraceQuestion:
    return question.asked()


@strawberry.type
class TraceQuery:
    """Traces that are answered at once."""

    trace: Trace | None = root(
        running.traces,
        key=_question,
        of=Trace.of,
        cost=100,
        arguments={"question": "What is traced."},
        description=(
            f"Follow value over wallets, coins, swaps and bridges, at once: up to "
            f"{AT_ONCE.events:,} movements and {AT_ONCE.seconds:g} s, then it answers in part. "
            "What takes longer is asked for by `requestTrace`."
        ),
    )
