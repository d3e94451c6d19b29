"""Judging events by the alert rules of all workspaces: what they find, and keeping it once.

Rules are found through an index, what they need is asked for once for a whole batch, and cost
follows what matches. Judging is pure in between: the same events and the same past find the same.
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

import msgspec

from graph_api.analysis.alert_rules.facts import Fact, Known, reaches
from graph_api.analysis.alert_rules.happenings import (
    Moved,
    cause_of,
    happening_of,
    is_retraction,
    moment,
)
from graph_api.analysis.alert_rules.index import RuleIndex
from graph_api.domain.alerts import ActorFlow, Rule, Size
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import Event, Lane, Line
from graph_api.live.reading import Batch
from graph_api.services.alert_facts import Book, Candidate, Case
from graph_api.store.graph import Graph
from graph_api.vault import judged, judging
from graph_api.vault.judging import (
    Flow,
    Flowed,
    Judged,
    Kept,
    Raised,
    TakenBack,
    Verdict,
)
from graph_api.vault.vault import Vault

#: How much older than a transfer its price may be.
PRICE_TOLERANCE: Final = timedelta(hours=2)
#: The lines whose events rules judge.
JUDGED_LINES: Final = (Line.TRANSFERS, Line.OTC, Line.PRICES, Line.WALLETS)


class Outcome(NamedTuple):
    """What became of a batch: how many of its events were new, and what was kept of them."""

    looked_at: int = 0
    kept: Kept = Kept()


class Failed(Exception):
    """Judging one event failed; ``outcome`` is what became of those that stand before it."""

    def __init__(self, event: Event, reason: str) -> None:
        super().__init__(reason)
        self.event, self.reason, self.outcome = event, reason, Outcome()


class Gap(Exception):
    """A batch does not follow what is judged, which ends at ``judged``; nothing was judged."""

    def __init__(self, judged: int) -> None:
        super().__init__(f"What follows {judged} is not judged.")
        self.judged = judged


class Judge:
    """Judges batches as the only one who does so for their lanes.

    ``tolerance`` is how much older than a transfer its price may be.
    """

    def __init__(
        self, graph: Graph, vault: Vault, *, clock: Callable[[], datetime], tolerance: timedelta
    ) -> None:
        self._graph, self._vault, self._clock, self._tolerance = graph, vault, clock, tolerance
        self._index, self._revision = RuleIndex(()), -1
        self._windows = Windows(self._flows)

    async def judge(self, batch: Batch) -> Outcome:
        """Judge a batch and keep what comes of it; what was judged before is left out.

        Raises: Gap, Failed, UpstreamUnavailable.
        """
        await self._renew_rules()
        through = 0
        if not batch.replayed:
            through = await judging.judged_through(self._vault, batch.lane, batch.epoch)
            if batch.events[0].number > through + 1:
                raise Gap(through)
        events = [event for event in batch.events if event.number > through]
        try:
            return Outcome(len(events), await self._judge(batch, events, through))
        except BaseException as error:
            # What was summed up and perhaps not kept must not be summed up twice.
            self._windows.clear()
            if isinstance(error, UpstreamUnavailable | Failed) or not isinstance(error, Exception):
                raise
            return await self._one_by_one(batch, events, error)

    async def _one_by_one(self, batch: Batch, events: Sequence[Event], error: Exception) -> Outcome:
        """Find out on which event all of a batch failed; those before it are judged."""
        if len(events) == 1:
            raise Failed(events[0], f"{type(error).__name__}: {error}") from error
        kept = Kept()
        for event in events:
            alone = msgspec.structs.replace(batch, events=(event,))
            more = (await self.judge(alone)).kept
            kept = Kept(
                before=kept.before,
                raised=kept.raised + more.raised,
                swallowed=kept.swallowed + more.swallowed,
                retracted=kept.retracted + more.retracted,
            )
        return Outcome(len(events), kept)

    async def pass_over(self, lane: Lane, epoch: str, number: int) -> None:
        """Go on behind ``number``: what lies before is kept nowhere, or was set aside."""
        place = Judged(lane=lane, epoch=epoch, number=number)
        await judging.keep(self._vault, [], judged=place, now=self._clock())

    async def _judge(self, batch: Batch, events: Sequence[Event], through: int) -> Kept:
        if not events:
            return Kept(before=through)
        book = Book(self._graph, self._vault, tolerance=self._tolerance)
        cases, broken = _cases(batch, events)
        found = await candidates(self._index, book, [one.case for one in cases if one.case])
        verdicts: list[Verdict] = []
        number = events[-1].number
        for case in cases:
            try:
                verdicts += await self._verdicts(case, found.get(case.event, ()), book)
            except UpstreamUnavailable:
                raise
            except Exception as error:  # one event must not hold up all that follow
                broken = Failed(_event(events, case.number), f"{type(error).__name__}: {error}")
                break
        if broken is not None:
            number = broken.event.number - 1
            verdicts = [one for one in verdicts if one.number <= number]
        kept = await self._keep(batch, verdicts, number)
        if broken is not None:
            before = sum(event.number <= number for event in events)
            broken.outcome = Outcome(before, kept)
            raise broken
        if kept.before != through:
            # Somebody else was faster: what was summed up here is not what is kept.
            self._windows.clear()
        return kept

    async def _verdicts(
        self, case: "Judging", found: Sequence[Candidate], book: Book
    ) -> list[Verdict]:
        if case.taken_back is not None:
            self._windows.forget(case.taken_back)
            return [TakenBack(number=case.number, cause=case.taken_back)]
        verdicts: list[Verdict] = []
        for candidate in found:
            if candidate.case.learned_at > candidate.rule.judges_from:
                verdicts += await verdicts_of(candidate, book, self._windows)
        return verdicts

    async def _keep(self, batch: Batch, verdicts: Sequence[Verdict], number: int) -> Kept:
        place = Judged(lane=batch.lane, epoch=batch.epoch, number=number)
        return await judging.keep(
            self._vault,
            verdicts,
            judged=None if batch.replayed else place,
            now=self._clock(),
        )

    async def _renew_rules(self) -> None:
        revision = await judged.revision(self._vault)
        if revision != self._revision:
            self._index = RuleIndex(await judged.rules(self._vault))
            self._windows.clear()
            self._revision = revision

    async def _flows(
        self, rule: Rule, subject: str, after: datetime, until: datetime
    ) -> list[Flow]:
        return await judging.flows(self._vault, rule, subject=subject, after=after, until=until)


class Judging(NamedTuple):
    """An event on its way: a case for rules, or the cause that was taken back."""

    number: int
    event: str
    case: Case | None
    taken_back: str | None


async def candidates(
    index: RuleIndex, book: Book, cases: Sequence[Case]
) -> dict[str, list[Candidate]]:
    """Which rules may find something in each event, with all read that they need to know."""
    if index.needs:
        await book.read_claims(cases)
    if Fact.LISTS in index.needs:
        await book.read_lists(cases)
    found = [
        Candidate(case, rule, kind)
        for case in cases
        for rule, kind in index.find(
            case.happening,
            owners=book.owners(case),
            lists=book.lists,
            sanctions=book.sanctions(case),
        )
    ]
    # Whoever is named in an alert is named by whose wallet it is.
    await book.read_claims(dict.fromkeys(one.case for one in found))
    await book.read_values(found)
    found = [one for one in found if _is_enough(one, book.known(one.case, one.rule))]
    await book.read_precedents(found)
    by_event: dict[str, list[Candidate]] = {}
    for one in found:
        by_event.setdefault(one.case.event, []).append(one)
    return by_event


async def verdicts_of(candidate: Candidate, book: Book, windows: "Windows") -> list[Verdict]:
    """What one rule makes of one event."""
    case, rule, kind = candidate
    known, verdicts = book.known(case, rule), list[Verdict]()
    counted = kind.counts(rule.condition, case.happening, known)
    if counted is not None:
        condition = rule.condition
        assert isinstance(condition, ActorFlow)
        span = timedelta(seconds=condition.window_s)
        before = await windows.before(rule, counted.subject, case.at, span=span)
        known = msgspec.structs.replace(known, flowed_micros=before)
        flowed = Flowed(
            number=case.number,
            rule=rule,
            subject=counted.subject,
            event=case.event,
            at=case.at,
            micros=counted.micros,
            cause=case.cause or case.event,
        )
        windows.add(flowed)
        verdicts.append(flowed)
    finding = kind.judge(rule.condition, case.happening, known)
    if finding is not None:
        verdicts.append(
            Raised(
                number=case.number,
                rule=rule,
                finding=finding,
                event=case.event,
                event_at=case.at,
                cause=case.cause,
                quiet_s=kind.quiet_s(rule.condition),
            )
        )
    return verdicts


class Flows(Protocol):
    """What is kept of a window."""

    async def __call__(
        self, rule: Rule, subject: str, after: datetime, until: datetime
    ) -> list[Flow]:
        """What counted after a moment and until another, the oldest first."""
        ...


class Windows:
    """What flowed for rules within their windows, remembered from event to event."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self._known: dict[tuple[str, str, str], _Window] = {}

    async def before(self, rule: Rule, subject: str, at: datetime, *, span: timedelta) -> int:
        """What has flowed within ``span`` until ``at``, in millionths of a dollar."""
        key = (rule.workspace, rule.id, subject)
        window = self._known.get(key)
        if window is None or window.begins > at - span:
            fresh = _Window(at - span)
            for flow in await self._flows(rule, subject, at - span, _LATEST):
                fresh.add(flow)
            for flow in window.flows if window is not None else ():
                fresh.add(flow)
            window = self._known[key] = fresh
        window.forget_before(at - 2 * span)
        return window.between(at - span, at)

    def add(self, flowed: Flowed) -> None:
        """Count one more, once."""
        key = (flowed.rule.workspace, flowed.rule.id, flowed.subject)
        self._known[key].add(
            Flow(event=flowed.event, at=flowed.at, micros=flowed.micros, cause=flowed.cause)
        )

    def forget(self, cause: str) -> None:
        """What was counted for ``cause`` was taken back."""
        for window in self._known.values():
            window.forget(cause)

    def clear(self) -> None:
        """Ask again what is kept."""
        self._known.clear()


_LATEST: Final = moment(253_402_300_799_999)


class _Window:
    """The flows of one rule and subject after ``begins``, in the order of their times."""

    def __init__(self, begins: datetime) -> None:
        self.begins, self.flows = begins, list[Flow]()
        self._events: set[str] = set()

    def add(self, flow: Flow) -> None:
        if flow.event not in self._events:
            self._events.add(flow.event)
            insort(self.flows, flow, key=_in_time)

    def between(self, after: datetime, until: datetime) -> int:
        first = bisect_right(self.flows, after, key=_in_time)
        last = bisect_right(self.flows, until, key=_in_time)
        return sum(flow.micros for flow in self.flows[first:last])

    def forget(self, cause: str) -> None:
        self._keep([flow for flow in self.flows if flow.cause != cause])

    def forget_before(self, at: datetime) -> None:
        if self.flows and self.flows[0].at < at:
            self._keep([flow for flow in self.flows if flow.at >= at])
            self.begins = max(self.begins, at)

    def _keep(self, flows: list[Flow]) -> None:
        if len(flows) < len(self.flows):
            self.flows, self._events = flows, {flow.event for flow in flows}


def _in_time(flow: Flow) -> datetime:
    return flow.at


def _is_enough(candidate: Candidate, known: Known) -> bool:
    """Whether as much moved as the rule asks for: before anything is read that costs more."""
    size: Size = getattr(candidate.rule.condition, "size", Size())
    happening = candidate.case.happening
    return not isinstance(happening, Moved) or reaches(size, happening, known)


def _cases(batch: Batch, events: Sequence[Event]) -> tuple[list[Judging], Failed | None]:
    """The events as rules see them, up to one that cannot be read."""
    found: list[Judging] = []
    for event in events:
        try:
            found.append(judging_of(event, name=batch.id_of(event)))
        except Exception as error:  # whatever is wrong with it, it is wrong with this event
            return found, Failed(event, f"{type(error).__name__}: {error}")
    return found, None


def judging_of(event: Event, *, name: str) -> Judging:
    """An event as it is judged."""
    if is_retraction(event):
        return Judging(event.number, name, None, cause_of(event))
    happening = happening_of(event)
    if happening is None:
        return Judging(event.number, name, None, None)
    learned_at = moment(event.at)
    case = Case(
        number=event.number,
        event=name,
        happening=happening,
        at=happening.at or learned_at,
        learned_at=learned_at,
        cause=cause_of(event),
    )
    return Judging(event.number, name, case, None)


def _event(events: Sequence[Event], number: int) -> Event:
    return next(event for event in events if event.number == number)
