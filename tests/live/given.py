"""What tests of the bus are made of: events, who keeps them, and readers that come to an end."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from graph_api.domain.events import Event, Lane, Line, LineState, Topic
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.reading import Batch, Lost, read
from graph_api.live.streams import Streams

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
SEEN = Lane(Line.TRANSFERS, "eip155:1")
OTHER = Lane(Line.TRANSFERS, "eip155:10")
FINAL = Lane(Line.FINALIZED, "eip155:1")
HOLDER = "tests"
EPOCH = "first"
TOPICS = {Line.TRANSFERS: Topic.TRANSFER_SEEN, Line.FINALIZED: Topic.TRANSFER_FINALIZED}


def event(number: int, lane: Lane = SEEN, *, at: datetime = NOW, **body: Any) -> Event:
    """An event that tells its own number."""
    return Event(
        topic=TOPICS[lane.line],
        chain=lane.chain,
        number=number,
        at=round(at.timestamp() * 1000),
        body={"told": number} | body,
    )


def events(first: int, last: int, lane: Lane = SEEN, *, at: datetime = NOW) -> list[Event]:
    """The events ``first..last``."""
    return [event(number, lane, at=at) for number in range(first, last + 1)]


async def put(
    streams: Streams,
    some: Sequence[Event],
    lane: Lane = SEEN,
    *,
    epoch: str = EPOCH,
    begin: int = 1,
    holder: str = HOLDER,
) -> int:
    """Append under a lease of ours."""
    await streams.hold([lane], holder=holder)
    return await streams.append(lane, some, epoch=epoch, holder=holder, begin=begin)


class Kept:
    """Events that are kept behind the bus."""

    def __init__(self, *some: Event, epoch: str = EPOCH) -> None:
        self.epoch = epoch
        self._events: dict[Lane, list[Event]] = {}
        self.asked = 0
        self.add(some)

    def add(self, some: Sequence[Event]) -> None:
        for one in some:
            self._events.setdefault(Lane(one.line, one.chain), []).append(one)

    async def lines(self) -> list[LineState]:
        return [
            LineState(
                line=lane.line,
                chain=lane.chain,
                epoch=self.epoch,
                first=kept[0].number,
                last=kept[-1].number,
            )
            for lane, kept in self._events.items()
        ]

    async def after(self, lane: Lane, mark: Mark, *, limit: int) -> list[Event]:
        self.asked += 1
        if mark.epoch != self.epoch:
            return []
        kept = self._events.get(lane, [])
        return [one for one in kept if one.number > mark.number][:limit]


class Readings:
    """What a reader saw, lane by lane; it reads until it saw enough."""

    def __init__(self, batches: AsyncGenerator[Batch]) -> None:
        self._batches = batches
        self.cursor = Cursor()
        self.seen: dict[Lane, list[int]] = {}
        self.epochs: dict[Lane, str] = {}

    async def until(self, lane: Lane, number: int) -> list[int]:
        """Read on until ``lane`` has come to ``number``; all numbers of the lane so far."""
        async with asyncio.timeout(30):
            while number not in self.seen.get(lane, []):
                batch = await anext(self._batches)
                numbers = [one.number for one in batch.events]
                assert numbers == [one.body["told"] for one in batch.events]
                self.seen.setdefault(batch.lane, []).extend(numbers)
                self.epochs[batch.lane] = batch.epoch
                self.cursor = self.cursor.moved(batch.lane, batch.mark)
        return self.seen[lane]

    async def close(self) -> None:
        await self._batches.aclose()


def reading(
    streams: Streams,
    start: Cursor | None = None,
    *,
    lines: Collection[Line] = (Line.TRANSFERS,),
    past: Kept | None = None,
    lost: list[Lost] | None = None,
    limit: int = 200,
) -> Readings:
    """A reader that looks around often, so that tests need not wait."""

    async def on_lost(one: Lost) -> None:
        if lost is None:
            raise one.error()
        lost.append(one)

    return Readings(
        read(
            streams,
            start or Cursor(),
            lines=lines,
            past=past,
            on_lost=on_lost,
            limit=limit,
            survey_every_s=0.05,
        )
    )


async def everything(streams: Streams, lane: Lane = SEEN) -> list[int]:
    """The numbers that a stream holds."""
    return [entry.event.number for entry in await streams.after(lane, 0, limit=100_000)]


HOUR = timedelta(hours=1)
