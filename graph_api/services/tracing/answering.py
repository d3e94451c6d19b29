"""From what a run found to what is answered: names for numbers, sums, and who is at the ends."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from graph_api.analysis.tracing.limits import Ended
from graph_api.analysis.tracing.matching import Match
from graph_api.analysis.tracing.pieces import NONE, Fate, Piece, Traced
from graph_api.domain.ids import TokenId, TransactionId, TransferId
from graph_api.services.tracing.answers import (
    Reading,
    TraceAnswer,
    TraceCrossing,
    TraceEnd,
    TraceOpening,
    TracePiece,
    TraceRefusal,
    TraceSum,
)
from graph_api.services.tracing.ledger import Event, Ledger, Place
from graph_api.services.tracing.questions import Way
from graph_api.store.traces import Movement

#: Fates at which somebody may be known to stand behind the wallet.
NAMED = frozenset({Fate.SERVICE, Fate.HUB, Fate.BURNT, Fate.HELD, Fate.ORIGIN, Fate.CROSSED})


class Run(NamedTuple):
    """One run over everything that is known."""

    events: list[Event]
    places: list[Place]
    matches: list[Match]
    found: Traced


async def answered(
    ledger: Ledger, run: Run, refusals: Iterable[TraceRefusal], ended: Ended
) -> TraceAnswer:
    """The answer, with the names of those who are known at its ends."""
    found = run.found
    ways = _ways(run.matches)
    pieces = tuple(_piece(run, piece, ways) for piece in found.pieces)
    ends = tuple(
        TraceEnd(piece=piece, amount_raw=str(raw), fate=fate) for piece, raw, fate in found.ends
    )
    wallets = {piece.wallet for piece in pieces if piece.wallet is not None}
    at_ends = {pieces[end.piece].wallet for end in ends if end.fate in NAMED}
    known = await ledger.parties_of(wallet for wallet in at_ends if wallet is not None)
    return TraceAnswer(
        question=ledger.asked,
        as_of=ledger.as_of,
        ended=ended,
        reading=Reading.TOKEN if ledger.whole else Reading.WALLETS,
        events=found.looked_at,
        wallets=len(wallets),
        pieces=pieces,
        ends=ends,
        parties=tuple(known[wallet] for wallet in sorted(known)),
        crossings=tuple(map(_crossing, run.matches)),
        refusals=tuple(refusals),
        sums=sums(pieces, ends),
        openings=tuple(
            TraceOpening(
                wallet=run.places[place].wallet, token=run.places[place].token, amount_raw=str(raw)
            )
            for place, raw in sorted(found.openings.items())
            if ledger.asked.way is Way.FORWARD
        ),
        uncounted=ledger.uncounted(wallets),
    )


def sums(pieces: tuple[TracePiece, ...], ends: Iterable[TraceEnd]) -> tuple[TraceSum, ...]:
    """What began, crossed over and ended, by token."""
    seeds: dict[TokenId, int] = defaultdict(int)
    crossed: dict[TokenId, int] = defaultdict(int)
    ended: dict[TokenId, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for piece in pieces:
        if piece.parent is None:
            seeds[piece.token] += int(piece.amount_raw)
        elif piece.crossing is not None:
            crossed[piece.token] += int(piece.amount_raw)
    for end in ends:
        ended[pieces[end.piece].token][end.fate.value] += int(end.amount_raw)
    return tuple(
        TraceSum(
            token=token,
            seed_raw=str(seeds[token]),
            crossed_in_raw=str(crossed[token]),
            ends_raw={fate: str(raw) for fate, raw in sorted(ended[token].items())},
        )
        for token in sorted({*seeds, *crossed, *ended})
    )


def _piece(run: Run, piece: Piece, ways: dict[tuple[str, str], int]) -> TracePiece:
    event = None if piece.event == NONE else run.events[piece.event]
    place = None if piece.place == NONE else run.places[piece.place]
    row = None if event is None else event.row
    before = NONE if piece.parent == NONE else run.found.pieces[piece.parent].event
    crossing = None
    if event is not None and before != NONE:
        crossing = ways.get((run.events[before].id, event.id))
    return TracePiece(
        wallet=None if place is None else place.wallet,
        token=_token(event, place),
        amount_raw=str(piece.amount),
        hops=piece.hops,
        parent=None if piece.parent == NONE else piece.parent,
        transfer=row.id if isinstance(row, Movement) else None,
        transaction=None if event is None else TransactionId(event.transaction),
        block_number=None if row is None else row.block_number,
        block_time=None if row is None else row.block_time,
        crossing=crossing,
    )


def _token(event: Event | None, place: Place | None) -> TokenId:
    """What a piece is of: a fee has no place, nor has what came into being."""
    if place is not None:
        return place.token
    assert event is not None
    end = event.sender or event.recipient
    assert end is not None
    return end.token


def _ways(matches: Iterable[Match]) -> dict[tuple[str, str], int]:
    """By which crossing a piece came, from the movements before it and its own, either way."""
    ways = {}
    for number, match in enumerate(matches):
        for paid in match.paid:
            for got in match.got:
                ways[paid, got] = ways[got, paid] = number
    return ways


def _crossing(match: Match) -> TraceCrossing:
    return TraceCrossing(
        kind=match.kind,
        confidence=match.confidence,
        reason=match.reason,
        paid=tuple(map(TransferId, match.paid)),
        got=tuple(map(TransferId, match.got)),
    )
