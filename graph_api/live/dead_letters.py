"""Events that a group could not judge: set aside with their reason, until somebody decides.

They are kept on the bus beside the places of their group, whole, so that trimming a stream does not
take them. Replayed ones are given to the group again, under the id that they always had.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from graph_api.domain.errors import NotFound
from graph_api.domain.events import Event, Lane
from graph_api.live import scripts
from graph_api.live.codec import decode, encode
from graph_api.live.reading import Batch
from graph_api.live.streams import Streams

#: An event on which a judge failed so often is set aside.
MAX_TRIES: Final = 5
_MAX_REASON: Final = 2_000


class DeadEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was set aside; ``again`` says that it waits to be judged once more."""

    group: str
    id: str
    lane: Lane
    epoch: str
    event: Event
    reason: str
    at: datetime
    again: bool = False


class _Kept(msgspec.Struct, frozen=True):
    epoch: str
    number: int
    event: str
    reason: str
    at: datetime


class DeadLetters:
    """Those of one group. Safe to share between tasks."""

    def __init__(self, streams: Streams, group: str) -> None:
        self._streams, self._group = streams, group
        self._dead = streams.own_key(f"dead:{group}")
        self._tries = streams.own_key(f"tries:{group}")
        self._again = streams.own_key(f"again:{group}")

    async def failed(
        self, batch: Batch, event: Event, reason: str, *, now: datetime, tries: int = MAX_TRIES
    ) -> bool:
        """Count that a judge failed on ``event``; whether it is set aside now.

        Raises: UpstreamUnavailable, BusFull.
        """
        kept = _Kept(batch.epoch, event.number, encode(event), reason[:_MAX_REASON], now)
        said = await self._streams.run(
            scripts.FAILED,
            [self._dead, self._tries, self._again, self._streams.own_key("dead")],
            [batch.id_of(event), tries, msgspec.json.encode(kept).decode(), self._group],
        )
        return bool(said)

    async def listed(self) -> list[DeadEvent]:
        """All of them, in the order of their lanes and numbers."""
        async with self._streams.bus.speaking() as client:
            kept: Any = await client.hgetall(self._dead)
            again: Any = await client.zrange(self._again, 0, -1)
        found = [self._event(id, text, again=id in again) for id, text in kept.items()]
        return sorted(found, key=lambda one: (one.lane, one.epoch, one.event.number))

    async def replay(self, id: str) -> None:
        """Let the group judge an event once more. Raises: NotFound."""
        self._require(id, await self._streams.run(scripts.REPLAY, [self._dead, self._again], [id]))

    async def drop(self, id: str) -> None:
        """Give an event up. Raises: NotFound."""
        keys = [self._dead, self._tries, self._again]
        self._require(id, await self._streams.run(scripts.SETTLED, keys, [id]))

    async def take(self, *, limit: int, lasts: timedelta) -> list[Batch]:
        """Replayed events that nobody judges now; they are ours for so long."""
        rows: Any = await self._streams.run(
            scripts.RETAKE,
            [self._dead, self._again],
            [limit, lasts // timedelta(milliseconds=1)],
        )
        found = [self._event(id, text, again=True) for id, text in rows]
        return [
            Batch(lane=one.lane, epoch=one.epoch, events=(one.event,), replayed=True)
            for one in found
        ]

    async def settled(self, batch: Batch) -> None:
        """Replayed events are judged."""
        for event in batch.events:
            keys = [self._dead, self._tries, self._again]
            await self._streams.run(scripts.SETTLED, keys, [batch.id_of(event)])

    def _require(self, id: str, found: object) -> None:
        if not found:
            raise NotFound(f"{self._group} has set no event {id[:100]} aside.")

    def _event(self, id: str, text: str, *, again: bool) -> DeadEvent:
        kept = msgspec.json.decode(text, type=_Kept)
        lane = Lane.named(id.removesuffix(f":{kept.epoch}:{kept.number}"))
        return DeadEvent(
            group=self._group,
            id=id,
            lane=lane,
            epoch=kept.epoch,
            event=decode(kept.event, lane, kept.number),
            reason=kept.reason,
            at=kept.at,
            again=again,
        )


async def groups_with_dead(streams: Streams) -> Sequence[str]:
    """The names of all groups that ever set an event aside."""
    async with streams.bus.speaking() as client:
        names: Any = await client.smembers(streams.own_key("dead"))
    return sorted(names)
