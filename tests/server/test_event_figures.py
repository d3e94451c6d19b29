"""Streams and outbox on the page for Prometheus."""

from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import ANY_CHAIN, Lane, Line, LineState
from graph_api.live.streams import GroupState, StreamState
from graph_api.server.event_figures import EventFigures
from graph_api.services.events import LaneFigures
from tests.given import NOW

SEEN = Lane(Line.TRANSFERS, "eip155:1")
PROGRESS = Lane(Line.PROGRESS, ANY_CHAIN)
FOUND = [
    LaneFigures(
        lane=SEEN,
        kept=LineState(line=SEEN.line, chain=SEEN.chain, epoch="a", first=11, last=110),
        stream=StreamState(lane=SEEN, epoch="a", first=51, last=100, length=50),
        waiting=10,
        waiting_since=NOW - timedelta(seconds=7),
        oldest_at=NOW - timedelta(hours=1),
        publisher=None,
        groups=(GroupState(name="rules", consumers=1, pending=2, done=93),),
    ),
    LaneFigures(
        lane=PROGRESS,
        kept=None,
        stream=StreamState(lane=PROGRESS, epoch="b", first=1, last=3, length=3),
        waiting=0,
        waiting_since=None,
        oldest_at=None,
        publisher=None,
        groups=(),
    ),
]


async def page(figures: EventFigures) -> set[str]:
    registry = CollectorRegistry()
    registry.register(figures)
    await figures.refresh()
    text = generate_latest(registry).decode()
    return {line for line in text.splitlines() if not line.startswith("#")}


async def test_every_lane_is_told_by_what_is_known_of_it() -> None:
    async def look() -> Sequence[LaneFigures]:
        return FOUND

    lane = '{chain="eip155:1",line="transfers"}'
    assert await page(EventFigures(look, clock=lambda: NOW)) == {
        "deskgraph_events_known 1.0",
        f"deskgraph_stream_events{lane} 50.0",
        'deskgraph_stream_events{chain="*",line="progress"} 3.0',
        f"deskgraph_stream_lag_events{lane} 10.0",
        f"deskgraph_stream_lag_seconds{lane} 7.0",
        f"deskgraph_outbox_events{lane} 100.0",
        f"deskgraph_outbox_oldest_seconds{lane} 3600.0",
        'deskgraph_group_lag_events{chain="eip155:1",group="rules",line="transfers"} 7.0',
    }


async def test_a_bus_that_does_not_answer_is_a_figure_and_no_error() -> None:
    asked = 0

    async def look() -> Sequence[LaneFigures]:
        nonlocal asked
        asked += 1
        raise UpstreamUnavailable("The bus", retry_after_s=5)

    figures = EventFigures(look, clock=lambda: NOW)

    assert await page(figures) == {"deskgraph_events_known 0.0"}
    assert await page(figures) == {"deskgraph_events_known 0.0"}
    assert asked == 1, "whoever asks often does not make us ask as often"
