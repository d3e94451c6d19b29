"""What a trace is answered: pieces with their paths, ends, sums, and on what it all rests.

Amounts are decimal text of base units, because JSON's readers lose digits of large numbers. An
answer can be cited: its digest is over all that it says.
"""

from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from graph_api.analysis.tracing.limits import Ended
from graph_api.analysis.tracing.matching import CrossingKind
from graph_api.analysis.tracing.pieces import Fate
from graph_api.domain.ids import AccountId, TokenId, TransactionId, TransferId
from graph_api.domain.records import ActorType
from graph_api.services.as_of import AsOf
from graph_api.services.tracing.questions import TraceQuestion


class Reading(StrEnum):
    """How the movements were read: of the wallets that value reached, or of the whole token."""

    WALLETS = "wallets"
    TOKEN = "token"  # noqa: S105 - a way of reading


class TracePiece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An amount that came to a wallet, or was paid as a fee where ``wallet`` is None.

    ``parent`` is the row of the piece that it came out of, None for a seed; ``crossing`` that of
    the crossing by which it came. Without a transaction it was there from the beginning.
    """

    wallet: AccountId | None = None
    token: TokenId
    amount_raw: str
    hops: int
    parent: int | None = None
    transfer: TransferId | None = None
    output: str | None = None
    transaction: TransactionId | None = None
    block_number: int | None = None
    block_time: datetime | None = None
    crossing: int | None = None


class TraceEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a piece ended where it was, and why."""

    piece: int
    amount_raw: str
    fate: Fate


class TraceParty(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is known to stand behind a wallet where the trace ended."""

    wallet: AccountId
    label: str
    category: str | None = None
    confidence: float
    source: str
    actor: str | None = None
    actor_name: str | None = None
    actor_type: ActorType | None = None


class TraceCrossing(msgspec.Struct, frozen=True, kw_only=True):
    """A swap or a transfer over a bridge that value went on by, and how sure that is."""

    kind: CrossingKind
    confidence: float
    reason: str
    paid: tuple[TransferId, ...]
    got: tuple[TransferId, ...]


class TraceRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction with a swap by which value did not go on, and why."""

    transaction: TransactionId
    reason: str


class TraceSum(msgspec.Struct, frozen=True, kw_only=True):
    """Of one token: what began here, what crossed into it, and what became of it all."""

    token: TokenId
    seed_raw: str
    crossed_in_raw: str
    ends_raw: dict[str, str]


class TraceOpening(msgspec.Struct, frozen=True, kw_only=True):
    """Untraced units that a wallet must have had before all that is loaded of it."""

    wallet: AccountId
    token: TokenId
    amount_raw: str


class TraceAnswer(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One trace.

    Args:
        ended: Why it ended; unless it is COMPLETE, the answer is in part.
        events: Movements that were looked at.
        wallets: Wallets that were reached.
        uncounted: Movements of wallets that were reached which have no known amount or place in
            time, and were left out.
        unordered: Transactions of which the order of the inputs is not loaded; they were taken in
            the order of their ids.
    """

    question: TraceQuestion
    as_of: tuple[AsOf, ...]
    ended: Ended
    reading: Reading
    events: int
    wallets: int
    pieces: tuple[TracePiece, ...]
    ends: tuple[TraceEnd, ...]
    parties: tuple[TraceParty, ...]
    crossings: tuple[TraceCrossing, ...]
    sums: tuple[TraceSum, ...]
    openings: tuple[TraceOpening, ...]
    refusals: tuple[TraceRefusal, ...] = ()
    uncounted: int = 0
    unordered: int = 0

    def path(self, piece: int) -> list[int]:
        """The pieces from a seed to this one."""
        way, one = [piece], self.pieces[piece].parent
        while one is not None:
            way.append(one)
            one = self.pieces[one].parent
        return way[::-1]

    def confidence(self, piece: int) -> float:
        """How sure the way to a piece is: the product over the crossings on it."""
        sure = 1.0
        for one in self.path(piece):
            crossing = self.pieces[one].crossing
            if crossing is not None:
                sure *= self.crossings[crossing].confidence
        return sure


_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def encoded(answer: TraceAnswer) -> bytes:
    """The answer as JSON, the same bytes for the same answer."""
    return _ENCODER.encode(answer)


def digest(answer: TraceAnswer) -> str:
    """What a citation names beside the id: a hash over the whole answer."""
    return sha256(encoded(answer)).hexdigest()
