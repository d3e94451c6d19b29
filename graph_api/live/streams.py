"""Streams: one for each lane, its entries numbered as the lane is; who may write, what may go.

An event of a kept line has the number that the graph gave it, so a stream refuses what it has
already. A stream never has a gap but at its beginning: what would leave one is not written.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import LINE_OF, Event, Lane, Line, News
from graph_api.live import scripts
from graph_api.live.bus import Bus
from graph_api.live.codec import decode, encode

#: How many events a line that tells how things stand now keeps.
VOLATILE_KEEPS: Final = 1_000
#: How long a lease lasts without being prolonged.
LEASE_LASTS: Final = timedelta(seconds=15)
#: The right that one process at a time has to each lane: to write its stream.
PUBLISHER: Final = "publisher"

_PREFIX: Final = "deskgraph"


class NotHolder(GraphApiError):
    """Another publisher holds the lane now; nothing was written."""


class OtherEpoch(GraphApiError):
    """The stream holds a history that the graph does not know; nothing was written."""


class Behind(GraphApiError):
    """The stream ends at ``last``, and what lies between is missing; nothing was written."""

    def __init__(self, lane: Lane, last: int) -> None:
        super().__init__(f"The stream {lane} ends at {last}.")
        self.last = last


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stream stands: it holds ``first..last``, and nothing when first > last."""

    lane: Lane
    epoch: str
    first: int
    last: int
    length: int


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a lane: its newest ``count`` events that are not older than ``age``."""

    count: int
    age: timedelta


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a group stands: all up to ``done`` is done with, but for ``dead`` events set aside."""

    name: str
    consumers: int
    pending: int
    done: int
    dead: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One event as a stream holds it."""

    epoch: str
    event: Event


class Streams:
    """The streams of one bus. Safe to share between tasks.

    ``prefix`` begins every key. Reading many streams at once needs all of them on one server: on
    a cluster give a prefix in braces, which keeps them together.
    """

    def __init__(self, bus: Bus, *, prefix: str = _PREFIX) -> None:
        self.bus, self._prefix = bus, prefix
        self._lines = f"{prefix}:lines"
        self.wake_channel = f"{prefix}:wake"
        self._scripts: dict[str, AsyncScript] = {}

    def key(self, lane: Lane) -> str:
        """The key of a lane's stream."""
        return f"{self._prefix}:{lane}"

    def own_key(self, name: str) -> str:
        """The key of something else than a stream."""
        return f"{self._prefix}:{name}"

    async def run(self, text: str, keys: list[str], values: Sequence[str | int]) -> Any:
        """What a script of ``scripts`` returns. Raises: UpstreamUnavailable, BusFull."""
        return await self._run(text, keys, values)

    # Writing

    async def append(
        self,
        lane: Lane,
        events: Sequence[Event],
        *,
        epoch: str,
        holder: str,
        begin: int,
        lasts: timedelta = LEASE_LASTS,
    ) -> int:
        """Write ``events``, which follow each other, as far as they are not there already.

        They must follow what is there; only number ``begin``, before which nothing is left to be
        had, may follow a gap. The lease is prolonged. Safe to repeat.

        Returns: the last number of the stream. Raises: NotHolder, OtherEpoch, Behind, BusFull,
        UpstreamUnavailable.
        """
        said, last = await self._run(
            scripts.APPEND,
            [self.key(lane), self._lines, self._lease(lane)],
            [
                str(lane),
                epoch,
                holder,
                _milliseconds(lasts),
                begin,
                events[0].number,
                *map(encode, events),
            ],
        )
        if said == "taken":
            raise NotHolder(f"Another process publishes {lane} now.")
        if said == "other":
            raise OtherEpoch(f"The stream {lane} is of another epoch than {epoch}.")
        if said == "behind":
            raise Behind(lane, last)
        return int(last)

    async def tell(
        self,
        chain: str,
        news: Sequence[News],
        *,
        now: datetime,
        epoch: str,
        keep: int = VOLATILE_KEEPS,
    ) -> int:
        """Say how things stand now, on a line that the graph does not keep; its last number.

        ``epoch`` is for a stream that is not there yet: a name that no other has.
        """
        lines = {LINE_OF[one.topic] for one in news}
        if len(lines) != 1:
            raise ValueError("All news of one call travel on the same line.")
        lane = Lane(lines.pop(), chain)
        at = round(now.timestamp() * 1000)
        texts = [
            encode(Event(topic=one.topic, chain=chain, number=0, at=at, body=one.body))
            for one in news
        ]
        keys = [self.key(lane), self._lines]
        return int(await self._run(scripts.TELL, keys, [str(lane), epoch, keep, *texts]))

    async def drop(self, lane: Lane, *, holder: str) -> None:
        """Forget a stream, groups included, because its epoch is over. Raises: NotHolder."""
        keys = [self.key(lane), self._lines, self._lease(lane)]
        if not await self._run(scripts.DROP, keys, [str(lane), holder]):
            raise NotHolder(f"Another process publishes {lane} now.")

    async def trim(self, lane: Lane, keep: Retention, *, now: datetime) -> int:
        """Forget what need not be kept, and nothing that a group has not done with; how many."""
        for state in await self.survey([lane]):
            through = max(state.last - keep.count, await self._older(state, now - keep.age))
            if through >= state.first:
                return int(await self._run(scripts.TRIM, [self.key(lane)], [through]))
        return 0

    # Reading

    async def lanes(self, lines: Iterable[Line] = tuple(Line)) -> list[Lane]:
        """All lanes of ``lines`` that the bus knows."""
        wanted = set(lines)
        async with self.bus.speaking() as client:
            names: Any = await client.hkeys(self._lines)
        return sorted(lane for name in names if (lane := Lane.named(name)).line in wanted)

    async def survey(self, lanes: Sequence[Lane]) -> list[StreamState]:
        """Where those of ``lanes`` stand that are there, in one look."""
        if not lanes:
            return []
        keys = [self._lines, *map(self.key, lanes)]
        rows = await self._run(scripts.SURVEY, keys, list(map(str, lanes)))
        return [
            StreamState(lane=lanes[place], epoch=epoch, first=first, last=last, length=length)
            for place, epoch, first, last, length in rows
        ]

    async def after(self, lane: Lane, number: int, *, limit: int) -> list[Entry]:
        """Up to ``limit`` entries that follow ``number``."""
        async with self.bus.speaking() as client:
            rows: Any = await client.xrange(self.key(lane), f"{number + 1}-0", "+", count=limit)
        return [entry_of(lane, row) for row in rows]

    async def wait(
        self, places: Mapping[Lane, int], *, limit: int, block_s: float
    ) -> dict[Lane, list[Entry]]:
        """What follows each lane's number, as soon as there is something; nothing after a while.

        ``limit`` is for each lane.
        """
        keys = {self.key(lane): lane for lane in places}
        asked: Any = {key: f"{places[lane]}-0" for key, lane in keys.items()}
        async with self.bus.speaking() as client:
            answer: Any = await client.xread(
                asked, count=limit, block=max(1, round(block_s * 1000))
            )
        return {keys[key]: [entry_of(keys[key], row) for row in rows] for key, rows in answer}

    # Groups

    async def groups(self, lane: Lane) -> list[GroupState]:
        """The groups that judge a lane."""
        async with self.bus.speaking() as client:
            try:
                rows: Any = await client.xinfo_groups(self.key(lane))
            except ResponseError:
                return []
            found = []
            for row in rows:
                done = _number(row["last-delivered-id"])
                if row["pending"]:
                    pending: Any = await client.xpending(self.key(lane), row["name"])
                    if pending["min"]:
                        done = min(done, _number(pending["min"]) - 1)
                found.append(
                    GroupState(
                        name=row["name"],
                        consumers=row["consumers"],
                        pending=row["pending"],
                        done=done,
                        dead=await self._dead(lane, row["name"]),
                    )
                )
        return found

    async def forget(self, lane: Lane, group: str, *, idle: timedelta) -> None:
        """Forget consumers of a group that left nothing undone and were not seen for ``idle``."""
        async with self.bus.speaking():
            with suppress(ResponseError):
                await self._call(scripts.FORGET, [self.key(lane)], [group, _milliseconds(idle)])

    async def disband(self, lane: Lane, group: str) -> bool:
        """Forget a whole group, so that nothing is kept for it any more; whether it was there."""
        async with self.bus.speaking() as client:
            try:
                return bool(await client.xgroup_destroy(self.key(lane), group))
            except ResponseError:
                return False

    # Leases

    async def hold(
        self,
        lanes: Sequence[Lane],
        *,
        holder: str,
        lasts: timedelta = LEASE_LASTS,
        right: str = PUBLISHER,
    ) -> set[Lane]:
        """Take or prolong a right to ``lanes``, by default to publish them; those that are ours."""
        if not lanes:
            return set()
        keys = [self._lease(lane, right) for lane in lanes]
        held = await self._run(scripts.HOLD, keys, [holder, _milliseconds(lasts)])
        return {lanes[place] for place in held}

    async def release(self, lanes: Sequence[Lane], *, holder: str, right: str = PUBLISHER) -> None:
        """Let the next holder in at once."""
        if lanes:
            keys = [self._lease(lane, right) for lane in lanes]
            await self._run(scripts.RELEASE, keys, [holder])

    async def publisher(self, lane: Lane) -> str | None:
        """Who publishes a lane; None when nobody does."""
        async with self.bus.speaking() as client:
            holder: Any = await client.get(self._lease(lane))
        return str(holder) if holder else None

    # Waking

    async def wake(self) -> None:
        """Tell publishers that the outbox has something new; nobody may be listening."""
        async with self.bus.speaking() as client:
            await client.publish(self.wake_channel, "")

    async def woken(self) -> AsyncGenerator[None]:
        """Once at the start, and whenever somebody wakes the publishers.

        Raises: UpstreamUnavailable when the connection ends.
        """
        async with self.bus.speaking() as client, aclosing(client.pubsub()) as ears:
            await ears.subscribe(self.wake_channel)
            while True:
                heard = await ears.get_message(timeout=self.bus.timeout_s / 2)
                if heard is not None:
                    yield

    async def _dead(self, lane: Lane, group: str) -> int:
        async with self.bus.speaking() as client:
            ids: Any = await client.hkeys(self.own_key(f"dead:{group}"))
        return sum(id.startswith(f"{lane}:") for id in ids)

    async def _older(self, state: StreamState, than: datetime) -> int:
        """The highest number of an event from before ``than``, found by halving."""
        limit = round(than.timestamp() * 1000)
        low, high = state.first - 1, state.last
        while low < high:
            middle = (low + high + 1) // 2
            entries = await self.after(state.lane, middle - 1, limit=1)
            if entries and entries[0].event.at < limit:
                low = middle
            else:
                high = middle - 1
        return low

    def _lease(self, lane: Lane, right: str = PUBLISHER) -> str:
        return f"{self._prefix}:{right}:{lane}"

    async def _run(self, text: str, keys: list[str], values: Sequence[str | int]) -> Any:
        async with self.bus.speaking():
            return await self._call(text, keys, values)

    async def _call(self, text: str, keys: list[str], values: Sequence[str | int]) -> Any:
        script = self._scripts.get(text)
        if script is None:
            async with self.bus.speaking() as client:
                script = self._scripts[text] = client.register_script(text)
        return await script(keys=keys, args=values)


def entry_of(lane: Lane, row: tuple[str, Mapping[str, str]]) -> Entry:
    """An entry as the client library returns it."""
    identity, fields = row
    return Entry(fields["e"], decode(fields["d"], lane, _number(identity)))


def _number(identity: str) -> int:
    return int(identity.partition("-")[0])


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
