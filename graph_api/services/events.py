"""Events from all places where they are: the streams of the bus, and what is kept behind them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from graph_api.domain.alerts import AlertNews
from graph_api.domain.events import ANY_CHAIN, Event, Lane, Line, LineState, Topic
from graph_api.live.cursors import Mark
from graph_api.live.streams import GroupState, Streams, StreamState
from graph_api.store import outbox
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from graph_api.vault import alert_news
from graph_api.vault.alert_news import NewsRow
from graph_api.vault.vault import Vault

#: The lane of alerts, of all workspaces.
ALERTS: Final = Lane(Line.ALERTS, ANY_CHAIN)


class Kept(Protocol):
    """Where events are kept in the transactions of what they tell: numbered, without a gap."""

    async def lines(self) -> Sequence[LineState]:
        """Where every lane stands that is kept here."""
        ...

    async def after(self, lane: Lane, number: int, *, limit: int) -> Sequence[Event]:
        """Up to ``limit`` events that follow ``number``, in order."""
        ...

    async def since(self, lane: Lane, number: int) -> datetime | None:
        """When the first event after ``number`` was written; None when there is none."""
        ...

    async def renew(self, state: LineState) -> None:
        """Begin a new epoch of a lane, whose numbers stand for other events now."""
        ...

    async def trim(self, lane: Lane, *, published: int, count: int, before: datetime) -> None:
        """Forget what is published, but for the newest ``count`` that are not from ``before``."""
        ...


class Outbox:
    """What the graph keeps."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def lines(self) -> Sequence[LineState]:
        """Where every lane of the graph stands."""
        return await outbox.lines(self._graph)

    async def after(self, lane: Lane, number: int, *, limit: int) -> Sequence[Event]:
        """Up to ``limit`` events that follow ``number``, in order."""
        return await outbox.after(self._graph, *lane, number, limit=limit)

    async def since(self, lane: Lane, number: int) -> datetime | None:
        """When the first event after ``number`` was written; None when there is none."""
        return await outbox.oldest(self._graph, *lane, number)

    async def renew(self, state: LineState) -> None:
        """Begin a new epoch of a lane."""
        await outbox.renew(self._graph, state)

    async def trim(self, lane: Lane, *, published: int, count: int, before: datetime) -> None:
        """Forget what is published, but for the newest ``count`` that are not from ``before``."""
        old = await outbox.older(self._graph, *lane, before)
        through = min(published, max(published - count, old))
        if through > 0:
            await outbox.trim(self._graph, *lane, through=through)


class AlertLine:
    """What the vault keeps: news of alerts, for as long as there are alerts."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def lines(self) -> Sequence[LineState]:
        """Where the line of alerts stands."""
        state = await alert_news.state(self._vault)
        if state is None:
            return ()
        return (
            LineState(
                line=ALERTS.line, chain=ALERTS.chain, epoch=state.epoch, first=1, last=state.last
            ),
        )

    async def after(self, lane: Lane, number: int, *, limit: int) -> Sequence[Event]:
        """Up to ``limit`` events that follow ``number``, in order."""
        rows = await alert_news.after(self._vault, number, limit=limit) if lane == ALERTS else ()
        return [_alert_event(row) for row in rows]

    async def since(self, lane: Lane, number: int) -> datetime | None:
        """When the first event after ``number`` was written; None when there is none."""
        return next((moment(event.at) for event in await self.after(lane, number, limit=1)), None)

    async def renew(self, state: LineState) -> None:
        """Begin a new epoch."""
        await alert_news.renew(self._vault, state.epoch)

    async def trim(self, lane: Lane, *, published: int, count: int, before: datetime) -> None:
        """Forget nothing."""


class KeptPast:
    """What is kept of the kept lines, as readers of streams ask for it."""

    def __init__(self, *kept: Kept) -> None:
        self._kept = kept

    async def lines(self) -> Sequence[LineState]:
        """Where every lane stands."""
        return [state for one in self._kept for state in await one.lines()]

    async def after(self, lane: Lane, mark: Mark, *, limit: int) -> Sequence[Event]:
        """Up to ``limit`` events that follow ``mark``, in order; none where its epoch is over."""
        for one in self._kept:
            events = await one.after(lane, mark.number, limit=limit)
            # Looked at afterwards: if the epoch holds now, it held when the events were read.
            epochs = {state.lane: state.epoch for state in await one.lines()}
            if epochs.get(lane) == mark.epoch:
                return events
        return ()


class OutboxPast(KeptPast):
    """What the graph keeps of the kept lines."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(Outbox(graph))


def _alert_event(row: NewsRow) -> Event:
    return Event(
        topic=_NEWS[row.news],
        number=row.number,
        at=round(row.at.timestamp() * 1000),
        body={
            "workspace": row.workspace,
            "alert": row.alert,
            "rule": row.rule,
            "kind": row.kind,
            "severity": row.severity.value,
        },
    )


_NEWS: Final = {
    AlertNews.RAISED: Topic.ALERT_RAISED,
    AlertNews.RETRACTED: Topic.ALERT_RETRACTED,
    AlertNews.ACKNOWLEDGED: Topic.ALERT_ACKNOWLEDGED,
}


class LaneFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One lane in figures.

    Args:
        kept: Where its keeper stands; None for a line that nobody keeps.
        stream: Where the stream stands; None while there is none.
        waiting: Events of the outbox that are not in the stream.
        waiting_since: When the first of them was written.
        oldest_at: When the oldest event of the outbox was written.
        publisher: Who copies the outbox to the stream now.
    """

    lane: Lane
    kept: LineState | None
    stream: StreamState | None
    waiting: int
    waiting_since: datetime | None
    oldest_at: datetime | None
    publisher: str | None
    groups: tuple[GroupState, ...]

    @property
    def depth(self) -> int:
        """How many events the outbox holds."""
        return self.kept.last - self.kept.first + 1 if self.kept else 0

    @property
    def length(self) -> int:
        """How many events the stream holds."""
        return self.stream.length if self.stream else 0


async def figures(kept: Sequence[Kept], streams: Streams) -> list[LaneFigures]:
    """Every lane that is kept anywhere, or that the bus knows.

    Raises: UpstreamUnavailable when one of them does not answer.
    """
    found = {state.lane: state for state in await streams.survey(await streams.lanes())}
    known = {state.lane: (one, state) for one in kept for state in await one.lines()}
    return [
        await _figures(streams, lane, known.get(lane), found.get(lane))
        for lane in sorted({*known, *found})
    ]


async def _figures(
    streams: Streams,
    lane: Lane,
    known: tuple[Kept, LineState] | None,
    stream: StreamState | None,
) -> LaneFigures:
    kept, state = known or (None, None)
    # A stream of another epoch has nothing of what is to be published.
    published = stream.last if stream and (state is None or stream.epoch == state.epoch) else 0
    waiting = max(0, state.last - max(published, state.first - 1)) if state else 0
    return LaneFigures(
        lane=lane,
        kept=state,
        stream=stream,
        waiting=waiting,
        waiting_since=await kept.since(lane, published) if kept and waiting else None,
        oldest_at=await kept.since(lane, 0) if kept else None,
        publisher=await streams.publisher(lane) if kept else None,
        groups=tuple(await streams.groups(lane)) if stream else (),
    )
