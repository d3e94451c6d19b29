"""What an alert rule would have raised: history, judged by the functions that judge what happens.

Transfers are those of the graph as it stands, prices the points that are kept in time; what is
taken for OTC and what issuers froze comes from the events that are kept. Nothing is kept of a
preview, and it looks at no more than its budget: then it says from when on it is whole.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from graph_api.analysis.alert_rules.happenings import (
    Dealt,
    Froze,
    Moved,
    Ticked,
    cause_of,
    is_retraction,
    milliseconds,
    moment,
)
from graph_api.analysis.alert_rules.index import RuleIndex
from graph_api.analysis.alert_rules.rules import kind_for
from graph_api.domain.alerts import (
    AnyCondition,
    BalanceThreshold,
    PriceMove,
    Rule,
    Severity,
    Size,
    Subjects,
    check,
    speaks_for,
)
from graph_api.domain.chains import CHAINS
from graph_api.domain.errors import BadInput
from graph_api.domain.events import Event, Lane, Line, Topic
from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.domain.pages import Page, Slice
from graph_api.domain.positions import order_key
from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.services.alert_facts import Book
from graph_api.services.alerting import Windows, candidates, judging_of, verdicts_of
from graph_api.store import chains, labels, outbox, prices, transfers
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.transfers import TransferFilter, TransferRow
from graph_api.vault import watchlists
from graph_api.vault.judging import Flow, Raised
from graph_api.vault.vault import Vault

#: A preview looks at so many events at most.
BUDGET: Final = 20_000
#: So far back it looks at most.
LONGEST: Final = timedelta(days=31)
#: So many findings are told at most; all are counted.
TOLD: Final = 100
#: A rule of more wallets than these is previewed by the transfers of whole chains.
_MOST_WALLETS: Final = 500
_PAGE: Final = 500
_AT_ONCE: Final = 200
_WALLETS_AT_ONCE: Final = 20


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule would have raised.

    Args:
        since, until: The time that was asked for.
        complete_from: From when on nothing was left out; later than ``since`` where the budget
            ended the preview, or events are not kept for as long.
        looked_at: Events that were read.
        raised: Alerts that there would have been; ``findings`` are the newest of them.
        swallowed: Findings for which an alert before them would have spoken.
    """

    since: datetime
    until: datetime
    complete_from: datetime
    looked_at: int
    raised: int
    swallowed: int
    findings: Sequence[Raised]

    @property
    def is_complete(self) -> bool:
        """Whether all of the time was looked at."""
        return self.complete_from <= self.since


class _Read(msgspec.Struct):
    """Events of a stretch of time, in order, and from when on they are all there."""

    events: list[Event]
    complete_from: datetime


async def preview(
    graph: Graph,
    vault: Vault,
    *,
    condition: AnyCondition,
    cool_down_s: int = 0,
    last: timedelta = timedelta(days=7),
    principal: Principal,
    now: datetime,
    tolerance: timedelta,
    budget: int = BUDGET,
) -> Preview:
    """What a rule of ``condition`` would have raised within ``last``.

    Raises: BadInput, TooCostly.
    """
    check(condition)
    if not timedelta() < last <= LONGEST:
        raise BadInput(f"A preview looks back up to {LONGEST.days} days.")
    since = now - last
    rule = Rule(
        id="preview",
        workspace=principal.workspace,
        principal=principal.id,
        name="Preview",
        condition=condition,
        severity=Severity.INFO,
        cool_down_s=cool_down_s,
        created_at=since,
        changed_at=since,
        judges_from=since,
    )
    read = await _read(graph, vault, rule, since=since, until=now, budget=budget)
    new_book = partial(Book, graph, vault, tolerance=tolerance)
    found = [one async for one in _found(rule, read.events, new_book)]
    raised = _speaking(rule, found)
    return Preview(
        since=since,
        until=now,
        complete_from=max(since, read.complete_from),
        looked_at=len(read.events),
        raised=len(raised),
        swallowed=len(found) - len(raised),
        findings=raised[: -TOLD - 1 : -1],
    )


async def _found(
    rule: Rule, events: Sequence[Event], new_book: Callable[[], Book]
) -> AsyncIterator[Raised]:
    index, windows = RuleIndex([rule]), Windows(_no_flows)
    for start in range(0, len(events), _AT_ONCE):
        some = [
            judging_of(event, name=f"{event.topic}:{start + place}")
            for place, event in enumerate(events[start : start + _AT_ONCE])
        ]
        cases = [one.case for one in some if one.case is not None]
        book = new_book()
        by_event = await candidates(index, book, cases)
        for case in cases:
            for candidate in by_event.get(case.event, ()):
                for verdict in await verdicts_of(candidate, book, windows):
                    if isinstance(verdict, Raised):
                        yield verdict
        # Others want to be answered meanwhile.
        await asyncio.sleep(0)


async def _no_flows(rule: Rule, subject: str, after: datetime, until: datetime) -> list[Flow]:
    return []


def _speaking(rule: Rule, found: Iterable[Raised]) -> list[Raised]:
    """Those that no alert before them speaks for."""
    last: dict[str, datetime] = {}
    raised = []
    for one in found:
        subject, quiet = one.finding.subject, timedelta(seconds=max(rule.cool_down_s, one.quiet_s))
        if subject in last and speaks_for(last[subject], one.event_at, quiet=quiet):
            continue
        last[subject] = max(one.event_at, last.get(subject, one.event_at))
        raised.append(one)
    return raised


# What happened


async def _read(
    graph: Graph, vault: Vault, rule: Rule, *, since: datetime, until: datetime, budget: int
) -> _Read:
    happening = kind_for(rule.condition).happening
    if happening is Ticked:
        assert isinstance(rule.condition, PriceMove)
        return await _ticks(graph, rule.condition, since=since, until=until, budget=budget)
    if happening is Dealt:
        return await _told(graph, Line.OTC, since=since, until=until, budget=budget)
    if happening is Froze:
        return await _told(graph, Line.WALLETS, since=since, until=until, budget=budget)
    assert happening is Moved
    return await _transfers(
        graph, vault, rule, window=Window(since=since, until=until), budget=budget
    )


async def _ticks(
    graph: Graph, condition: PriceMove, *, since: datetime, until: datetime, budget: int
) -> _Read:
    first, last = milliseconds(since) + 1, milliseconds(until)
    course = await prices.course(graph, condition.asset, first=first, last=last)
    known = await prices.by_ids(graph, [condition.asset])
    symbol = known[condition.asset].symbol if condition.asset in known else condition.asset
    points = list(course.between(first, last))
    events = [
        Event(
            topic=Topic.PRICE_TICKED,
            number=number,
            at=price.at,
            body={
                "asset": price.asset,
                "symbol": symbol,
                "usd": f"{price.usd:f}",
                "source": price.source,
                "at": price.at,
            },
        )
        for number, price in enumerate(points[-budget:], 1)
    ]
    left_out = len(points) - len(events)
    return _Read(events, since if not left_out else moment(events[0].at))


async def _told(
    graph: Graph, line: Line, *, since: datetime, until: datetime, budget: int
) -> _Read:
    """What was told since then, but for what was taken back."""
    events: list[Event] = []
    complete_from = since
    for state in await outbox.lines(graph):
        if state.line != line:
            continue
        old = await outbox.older(graph, *state.lane, since)
        mine, begins = await _of_lane(graph, state.lane, max(old, state.first - 1), budget)
        if state.first > 1 and old < state.first:
            complete_from = max(complete_from, begins or until)
        events += [event for event in mine if moment(event.at) > since]
    gone = {cause_of(event) for event in events if is_retraction(event)}
    standing = [event for event in events if cause_of(event) not in gone]
    standing.sort(key=lambda event: (event.at, event.chain, event.number))
    if len(standing) > budget:
        standing = standing[-budget:]
        complete_from = max(complete_from, moment(standing[0].at))
    return _Read(standing, complete_from)


async def _of_lane(
    graph: Graph, lane: Lane, number: int, budget: int
) -> tuple[list[Event], datetime | None]:
    found: list[Event] = []
    while some := await outbox.after(graph, *lane, number, limit=_PAGE):
        found += some
        number = some[-1].number
        del found[: -2 * budget]
    return found, moment(found[0].at) if found else None


async def _transfers(
    graph: Graph, vault: Vault, rule: Rule, *, window: Window, budget: int
) -> _Read:
    """The transfers that the rule may find something in, the newest ``budget`` of them."""
    size: Size = getattr(rule.condition, "size", Size())
    walk = _Walk(graph, TransferFilter(window=window, min_raw=size.min_amount_raw), budget)
    wallets = await _wallets(graph, vault, rule, window=window)
    if wallets is not None:
        await walk.wallets(wallets)
    elif size.tokens:
        await walk.tokens(size.tokens)
    else:
        await walk.chains(await _chains(graph, size))
    rows = sorted(walk.rows.values(), key=_order, reverse=True)
    timed = [(row.block_time, row) for row in rows if row.block_time is not None]
    timed.sort(key=lambda one: (one[0], one[1].chain))
    reached = walk.complete_from
    if len(timed) > budget:
        reached = max(reached, timed[-budget - 1][0])
    # Nothing would be whole of a moment that was cut in two.
    kept = [row for at, row in timed if at > reached]
    return _Read([_event(row, number) for number, row in enumerate(kept, 1)], reached)


class _Walk:
    """Reads transfers from several lists, the newest first, up to a budget for each."""

    def __init__(self, graph: Graph, asked: TransferFilter, budget: int) -> None:
        self._graph, self._asked, self._budget = graph, asked, budget
        assert asked.window.since is not None
        self.complete_from = asked.window.since
        self.rows: dict[str, TransferRow] = {}

    async def wallets(self, wallets: Sequence[AccountId]) -> None:
        """All that these sent or received."""
        for start in range(0, len(wallets), _WALLETS_AT_ONCE):
            some = list(wallets[start : start + _WALLETS_AT_ONCE])
            await self._all(transfers.of_wallets, some)

    async def tokens(self, tokens: Sequence[TokenId]) -> None:
        """All that moved of these."""
        await self._all(transfers.of_tokens, list(tokens))

    async def chains(self, chains: Sequence[ChainId]) -> None:
        """All that moved on these."""
        await self._all(transfers.of_chains, list(chains))

    async def _all(self, ask: Callable[..., Awaitable[Any]], owners: list[Any]) -> None:
        places: dict[Any, str | None] = dict.fromkeys(owners)
        counts: dict[Any, int] = dict.fromkeys(owners, 0)
        while places:
            # Those that are as far as each other are asked for together.
            place = min(places.values(), key=lambda one: one or "")
            some = [owner for owner, at in places.items() if at == place]
            page = Page(size=_PAGE, after=place)
            found: dict[Any, Slice[TransferRow]] = await ask(
                self._graph, some, filter=self._asked, page=page
            )
            for owner in some:
                mine = found[owner]
                self.rows |= {row.id: row for row in mine.rows}
                counts[owner] += len(mine.rows)
                places[owner] = mine.stopped_at or (mine.places[-1] if mine.more_after else None)
                if places[owner] is None:
                    del places[owner]
                elif counts[owner] >= self._budget or mine.stopped_at is not None:
                    self._give_up(mine)
                    del places[owner]

    def _give_up(self, mine: Slice[TransferRow]) -> None:
        """What is older was not looked at."""
        times = [row.block_time for row in mine.rows if row.block_time is not None]
        until = self._asked.window.until
        assert until is not None
        self.complete_from = max(self.complete_from, min(times, default=until))


async def _wallets(
    graph: Graph, vault: Vault, rule: Rule, *, window: Window
) -> list[AccountId] | None:
    """The wallets that the rule watches; None where these cannot be named, or are too many."""
    condition = rule.condition
    if isinstance(condition, BalanceThreshold):
        return [condition.wallet]
    subjects: Subjects = getattr(condition, "subjects", Subjects())
    if subjects == Subjects() or subjects.actor_types:
        return None
    wallets, actors = set(subjects.wallets), set(subjects.actors)
    if subjects.watchlist is not None:
        found = await watchlists.members(vault, _principal(rule), [subjects.watchlist])
        for members in found.values():
            wallets |= {AccountId(wallet) for wallet in members.wallets}
            actors |= members.actors
    for at in (window.since, window.until):
        assert at is not None
        for start in range(0, len(actors), _WALLETS_AT_ONCE):
            some = sorted(actors)[start : start + _WALLETS_AT_ONCE]
            rows = await labels.wallets_of_actors(
                graph, some, as_of=at, now=at, page=Page(size=_MOST_WALLETS + 1)
            )
            wallets |= {row.id for slice in rows.values() for row in slice.rows}
    return sorted(wallets) if len(wallets) <= _MOST_WALLETS else None


async def _chains(graph: Graph, size: Size) -> list[ChainId]:
    if size.chains:
        return list(size.chains)
    known = await chains.by_ids(graph, [ChainId(chain.id) for chain in CHAINS])
    return [row.id for row in known.values() if row.tells_times]


def _principal(rule: Rule) -> Principal:
    return Principal(rule.principal, rule.workspace, PrincipalKind.LOCAL)


def _order(row: TransferRow) -> str:
    return order_key(row.id, block_number=row.block_number, position=row.position)


def _event(row: TransferRow, number: int) -> Event:
    at = 0 if row.block_time is None else milliseconds(row.block_time)
    body = {
        "id": row.id,
        "transaction": row.transaction,
        "position": row.position,
        "sender": row.sender,
        "recipient": row.recipient,
        "token": row.token,
        "amount_raw": row.amount_raw,
        "block_number": row.block_number,
        "block_time": at,
    }
    return Event(topic=Topic.TRANSFER_SEEN, chain=row.chain, number=number, at=at, body=body)
