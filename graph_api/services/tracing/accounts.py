"""Traces on account chains: movements of wallets are read as value reaches these.

Each round reads all that the wallets moved which value reached in the round before, and follows the
seeds once more through everything that is known; a wallet that is not read yet ends what reaches
it. When nobody new is reached, the answer is that of the whole graph. Where the wallets to be read
moved more often than their token did in all, the token is read instead.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from fractions import Fraction
from typing import Final

from graph_api.analysis.tracing.accounts import follow, follow_back
from graph_api.analysis.tracing.limits import Budget, Ended, Stops
from graph_api.analysis.tracing.matching import Match
from graph_api.analysis.tracing.moves import Bundle, Crossing, Moves, Seeds
from graph_api.analysis.tracing.order import behind, by_time
from graph_api.analysis.tracing.pieces import NONE, Fate, Traced
from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.ids import TokenId
from graph_api.services.tracing.answering import Run, answered
from graph_api.services.tracing.answers import TraceAnswer
from graph_api.services.tracing.crossings import Crossings
from graph_api.services.tracing.ledger import Event, Ledger, Place
from graph_api.services.tracing.questions import TraceQuestion, Way
from graph_api.store import traces
from graph_api.store.graph import Graph
from graph_api.store.traces import Movement

#: Told how many movements were read and how many wallets were reached.
Report = Callable[[int, int], None]

_ENDLESS: Final = 2**62
#: The share of its time after which a trace reads no more, so that it can follow what it has read.
_FOR_READING: Final = 0.9


async def traced(
    graph: Graph,
    asked: TraceQuestion,
    *,
    budget: Budget,
    now: datetime,
    seconds: Callable[[], float],
    report: Report,
) -> TraceAnswer:
    """Follow value over wallets. ``seconds`` is a clock that only goes on.

    Raises: NotFound where a seed is not loaded; BadInput where nobody knows its amount.
    """
    began = seconds()

    def is_late() -> bool:
        return budget.seconds is not None and seconds() - began > budget.seconds * _FOR_READING

    ledger = Ledger(graph, asked, now=now, is_late=is_late)
    run: Run | None = None
    crossings = Crossings(ledger)
    seeds = await _seeds(ledger)
    new = _starts(asked, seeds)
    while True:
        await ledger.load(new, budget=_ENDLESS if budget.events is None else budget.events)
        left = None if budget.seconds is None else budget.seconds - (seconds() - began)
        within = Budget(pieces=budget.pieces, seconds=left)
        # In a thread: whoever else is served by this process need not wait.
        new_run = await asyncio.to_thread(_run, ledger, crossings.matches, seeds, within, seconds)
        if run is not None and new_run.found.ended is Ended.SECONDS:
            # What was known a round ago says more than half a run over all that is known now.
            return await answered(ledger, run, crossings.refusals, Ended.SECONDS)
        run = new_run
        reached = {run.places[piece.place] for piece in run.found.pieces if piece.place != NONE}
        wallets = {place.wallet for place in reached}
        report(ledger.read, len(wallets))
        ended = spent(budget, run.found, len(wallets), ledger.read, seconds() - began)
        if ended is not Ended.COMPLETE:
            return await answered(ledger, run, crossings.refusals, ended)
        found = await _cross(crossings, run) if asked.over_crossings else False
        new = set(ledger.unread(reached))
        if not new and not found:
            return await answered(ledger, run, crossings.refusals, _openness(run.found))


async def _seeds(ledger: Ledger) -> list[Movement]:
    asked = ledger.asked
    if asked.wallet is not None:
        return []
    if asked.transaction is not None:
        rows = await traces.of_transactions(ledger.graph, [asked.transaction])
    else:
        rows = await traces.by_ids(ledger.graph, asked.transfers)
    missing = set(asked.transfers) - {row.id for row in rows}
    seeds = [row for row in rows if asked.token in (None, row.token)]
    if missing or not seeds:
        named = min(missing, default=asked.transaction or "the token")
        raise NotFound(f"No transfer of {named} is loaded that could be traced.")
    for row in seeds:
        if row.amount_raw is None or row.token is None:
            raise BadInput(f"Nobody knows the amount or the token of {row.id}.")
    await ledger.add(seeds)
    return seeds


def _starts(asked: TraceQuestion, seeds: Iterable[Movement]) -> set[Place]:
    if asked.wallet is not None and asked.token is not None:
        return {Place(asked.wallet, asked.token)}
    forward = asked.way is Way.FORWARD
    ends = ((row.recipient if forward else row.sender, row.token) for row in seeds)
    return {Place(wallet, token) for wallet, token in ends if wallet and token}


def spent(budget: Budget, found: Traced, wallets: int, read: int, seconds: float) -> Ended:
    """What of the budget is spent, if anything is."""
    if found.ended is not Ended.COMPLETE:
        return found.ended
    for most, spent, ended in (
        (budget.wallets, wallets, Ended.WALLETS),
        (budget.seconds, seconds, Ended.SECONDS),
        (budget.events, read, Ended.EVENTS),
    ):
        if most is not None and spent > most:
            return ended
    return Ended.COMPLETE


def _openness(found: Traced) -> Ended:
    """Wallets that were not read to their end leave an answer in part."""
    is_open = any(end.fate is Fate.OPEN for end in found.ends)
    return Ended.EVENTS if is_open else Ended.COMPLETE


def _run(
    ledger: Ledger,
    matches: list[Match],
    seeds: list[Movement],
    budget: Budget,
    clock: Callable[[], float],
) -> Run:
    """Follow the seeds through all that is known."""
    asked = ledger.asked
    events = _in_order(ledger.events(), matches)
    if asked.way is Way.BACKWARD and asked.since is not None:
        events = [event for event in events if not _is_before(event, asked.since)]
    places = sorted(
        {
            place
            for event in events
            for place in (event.sender, event.recipient)
            if place is not None
        }
    )
    if asked.wallet is not None and asked.token is not None:
        places = sorted({*places, Place(asked.wallet, asked.token)})
    numbers = {place: number for number, place in enumerate(places)}
    moves = Moves(
        places=len(places),
        senders=[_number(numbers, event.sender) for event in events],
        recipients=[_number(numbers, event.recipient) for event in events],
        amounts=[event.amount_raw for event in events],
        transactions=_numbered(event.transaction for event in events),
    )
    rows = {event.id: number for number, event in enumerate(events)}
    known = [one for one in matches if all(id in rows for id in (*one.paid, *one.got))]
    walk = follow if asked.way is Way.FORWARD else follow_back
    found = walk(
        moves,
        _begin(asked, seeds, events, numbers),
        policy=asked.policy,
        stops=Stops(min_raw=asked.min_raw, max_hops=asked.max_hops),
        barred=_barred(ledger, numbers),
        crossings=[
            Crossing(
                paid=_bundles(one.paid, one, rows=rows, events=events),
                got=_bundles(one.got, one, rows=rows, events=events),
            )
            for one in known
        ],
        budget=budget,
        clock=clock,
    )
    return Run(events, places, known, found)


def _bundles(
    ids: Iterable[str], match: Match, *, rows: dict[str, int], events: list[Event]
) -> tuple[Bundle, ...]:
    """Movements on one side of a crossing by their tokens."""
    found: dict[TokenId, list[int]] = {}
    for event in sorted(rows[id] for id in ids):
        place = events[event].recipient
        if place is not None:
            found.setdefault(place.token, []).append(event)
    return tuple(
        Bundle(tuple(some), match.worths.get(token, Fraction(1)))
        for token, some in sorted(found.items())
    )


def _begin(
    asked: TraceQuestion,
    seeds: Iterable[Movement],
    events: list[Event],
    numbers: dict[Place, int],
) -> Seeds:
    if asked.wallet is not None and asked.token is not None:
        source = frozenset([numbers[Place(asked.wallet, asked.token)]])
        since = 0
        if asked.since is not None and asked.way is Way.FORWARD:
            times = (
                number for number, one in enumerate(events) if not _is_before(one, asked.since)
            )
            since = next(times, len(events))
        return Seeds(places=source, since=since)
    ids = {row.id for row in seeds}
    return Seeds(events=frozenset(n for n, event in enumerate(events) if event.id in ids))


def _barred(ledger: Ledger, numbers: dict[Place, int]) -> dict[int, Fate]:
    barred = {number: Fate.OPEN for place, number in numbers.items() if not ledger.knows(place)}
    for place, fate in ledger.barred.items():
        if place in numbers:
            barred[numbers[place]] = fate
    return barred


def _in_order(events: list[Event], matches: Iterable[Match]) -> list[Event]:
    """By block, transaction and position, several chains by time; what was got behind its price."""
    if len({event.chain for event in events}) > 1:
        events = [event._replace(order=by_time(event.order, event.chain)) for event in events]
    orders = {event.id: event.order for event in events}
    later = {}
    for match in matches:
        paid = max((orders[id] for id in match.paid if id in orders), default=None)
        for id in match.got:
            if paid is not None and id in orders and orders[id] < paid:
                later[id] = behind(orders[id], paid)
    moved = [event._replace(order=later.get(event.id, event.order)) for event in events]
    return sorted(moved, key=lambda event: event.order)


async def _cross(crossings: Crossings, run: Run) -> bool:
    """Look where traced value was swapped or reached a bridge; whether that was found."""
    rows = {event: run.events[event].row for event in run.found.pieces.events if event != NONE}
    return await crossings.look([row for row in rows.values() if isinstance(row, Movement)])


def _number(numbers: dict[Place, int], place: Place | None) -> int:
    return NONE if place is None else numbers[place]


def _numbered(names: Iterable[str]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(name, len(numbers)) for name in names]


def _is_before(event: Event, moment: datetime) -> bool:
    return event.row.block_time is not None and event.row.block_time < moment
