"""Events from both places where they are: the streams of the bus, and the outbox behind them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from graph_api.domain.events import Event, Lane, LineState
from graph_api.live.cursors import Mark
from graph_api.live.streams import GroupState, Streams, StreamState
from graph_api.store import outbox
from graph_api.store.graph import Graph


class OutboxPast:
    """What the graph keeps of the kept lines, as readers of streams ask for it."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def lines(self) -> Sequence[LineState]:
        """Where every lane stands."""
        return await outbox.lines(self._graph)

    async def after(self, lane: Lane, mark: Mark, *, limit: int) -> Sequence[Event]:
        """Up to ``limit`` events that follow ``mark``, in order; none where its epoch is over."""
        events = await outbox.after(self._graph, *lane, mark.number, limit=limit)
        # Looked at afterwards: if the epoch holds now, it held when the events were read.
        epochs = {state.lane: state.epoch for state in await outbox.lines(self._graph)}
        return events if epochs.get(lane) == mark.epoch else ()


class LaneFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One lane in figures.

    Args:
        kept: Where the graph stands; None for a line that it does not keep.
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


async def figures(graph: Graph, streams: Streams) -> list[LaneFigures]:
    """Every lane that the graph or the bus knows.

    Raises: UpstreamUnavailable when one of them does not answer.
    """
    found = {state.lane: state for state in await streams.survey(await streams.lanes())}
    kept = {state.lane: state for state in await outbox.lines(graph)}
    return [
        await _figures(graph, streams, lane, kept.get(lane), found.get(lane))
        for lane in sorted({*kept, *found})
    ]


async def _figures(
    graph: Graph,
    streams: Streams,
    lane: Lane,
    kept: LineState | None,
    stream: StreamState | None,
) -> LaneFigures:
    # A stream of another epoch has nothing of what is to be published.
    published = stream.last if stream and (kept is None or stream.epoch == kept.epoch) else 0
    waiting = max(0, kept.last - max(published, kept.first - 1)) if kept else 0
    return LaneFigures(
        lane=lane,
        kept=kept,
        stream=stream,
        waiting=waiting,
        waiting_since=await outbox.oldest(graph, *lane, published) if waiting else None,
        oldest_at=await outbox.oldest(graph, *lane) if kept else None,
        publisher=await streams.publisher(lane) if kept else None,
        groups=tuple(await streams.groups(lane)) if stream else (),
    )
