"""Judges events by alert rules: each once, in order, whoever dies and whatever becomes of the bus.

Of all processes one judges a lane at a time, by a lease on the bus. Being right does not hang on
it: how far a lane is judged stands in the vault, in the transaction that keeps what came of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from graph_api.domain.alerts import MAX_WINDOW
from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.domain.events import Lane
from graph_api.live.cursors import Mark
from graph_api.live.groups import IDLE, Group
from graph_api.live.reading import BATCH, Batch, Lost, Past
from graph_api.live.streams import LEASE_LASTS, Streams
from graph_api.services.alerting import JUDGED_LINES, Failed, Gap, Judge, Outcome
from graph_api.store.holders import new_holder
from graph_api.vault import judging
from graph_api.vault.judging import Kept
from graph_api.vault.vault import Vault

#: The group that judges, and the name under which each of its lanes is taken.
GROUP: Final = "alerts"
_RIGHT: Final = "judge"
_PAUSE_S: Final = 1.0
_FORGET_EVERY: Final = timedelta(hours=1)

log: Final = structlog.get_logger("deskgraph.ingest")


class Tally(msgspec.Struct):
    """What one process has judged since it began."""

    judged: int = 0
    raised: int = 0
    swallowed: int = 0
    retracted: int = 0
    failed: int = 0
    lost: int = 0

    def add(self, events: int, kept: Kept) -> None:
        """Count a batch."""
        self.judged += events
        self.raised += kept.raised
        self.swallowed += kept.swallowed
        self.retracted += kept.retracted


class JudgingWork:
    """Judges the lanes that no other process does, for ever.

    ``raised`` is called after each batch in which something became of an alert.
    """

    def __init__(
        self,
        judge: Judge,
        vault: Vault,
        streams: Streams,
        *,
        past: Past,
        clock: Callable[[], datetime],
        raised: Callable[[], None] = lambda: None,
        lasts: timedelta = LEASE_LASTS,
        idle: timedelta = IDLE,
        batch: int = BATCH,
        pause_s: float = _PAUSE_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._judge, self._vault, self._streams, self._past = judge, vault, streams, past
        self._clock, self._raised, self._lasts, self._idle = clock, raised, lasts, idle
        self._batch, self._pause_s, self._sleep = batch, pause_s, sleep
        self._holder = new_holder()
        self._held: set[Lane] = set()
        self._forget_at: datetime | None = None
        self.tally = Tally()

    async def run(self) -> None:
        """Judge until cancelled; whatever is away is waited for."""
        group = Group(
            self._streams,
            GROUP,
            # Whoever takes a lane over goes on with what its last judge had not done with.
            consumer=_RIGHT,
            lines=JUDGED_LINES,
            past=self._past,
            judged=self._judged_through,
            on_lost=self._on_lost,
            idle=self._idle,
            takes=lambda lane: lane in self._held,
        )
        holding = asyncio.create_task(self._keep_holding())
        try:
            while True:
                try:
                    await self._round(group)
                except UpstreamUnavailable:
                    await self._sleep(self._pause_s)
                except Exception as error:
                    # A fault of ours in one round shall not end what else this process does.
                    await log.aerror("judging waits", exc_info=error)
                    await self._sleep(self._pause_s)
        finally:
            holding.cancel()
            await asyncio.wait([holding])
            await self.leave()

    async def leave(self) -> None:
        """Let others judge at once."""
        lanes, self._held = sorted(self._held), set()
        with suppress(GraphApiError):
            await self._streams.release(lanes, holder=self._holder, right=_RIGHT)

    async def _round(self, group: Group) -> None:
        await self._forget()
        batches = await group.take(limit=self._batch)
        for place, batch in enumerate(batches):
            try:
                done = await self._one(group, batch)
            except BaseException:
                for left in batches[place:]:
                    group.put_back(left)
                raise
            if not done:
                await self._sleep(self._pause_s)

    async def _one(self, group: Group, batch: Batch) -> bool:
        """Whether the whole batch is judged, and what is missing before it."""
        while True:
            try:
                self._count(await self._judge.judge(batch))
            except Gap as gap:
                if not await self._fill(group, batch, Mark(batch.epoch, gap.judged)):
                    return False
                continue
            except Failed as failed:
                return await self._failed(group, batch, failed)
            await group.done(batch)
            return True

    async def _fill(self, group: Group, batch: Batch, judged: Mark) -> bool:
        """Judge some of what lies before ``batch`` and nobody has judged, by what is kept.

        A judge that was thought dead may have it in hand, or the vault was put back to an earlier
        day.
        """
        lane, first = batch.lane, batch.events[0].number
        kept = await self._past.after(lane, judged, limit=min(BATCH, first - 1 - judged.number))
        events = tuple(event for event in kept if event.number < first)
        begins = events[0].number if events else first
        if begins > judged.number + 1:
            await self._on_lost(Lost(lane=lane, after=judged, first=begins, renewed=False))
            await self._judge.pass_over(lane, judged.epoch, begins - 1)
        if not events:
            return True
        return await self._one(group, Batch(lane=lane, epoch=judged.epoch, events=events))

    async def _failed(self, group: Group, batch: Batch, failed: Failed) -> bool:
        self._count(failed.outcome)
        self.tally.failed += 1
        event = failed.event
        dead = await group.failed(batch, event, failed.reason, now=self._clock())
        await log.aerror("event not judged", id=batch.id_of(event), reason=failed.reason, dead=dead)
        if dead and not batch.replayed:
            await self._judge.pass_over(batch.lane, batch.epoch, event.number)
        return False

    def _count(self, outcome: Outcome) -> None:
        self.tally.add(outcome.looked_at, outcome.kept)
        if outcome.kept.raised or outcome.kept.retracted:
            self._raised()

    async def _keep_holding(self) -> None:
        every_s = self._lasts.total_seconds() / 3
        while True:
            try:
                lanes = await self._streams.lanes(JUDGED_LINES)
                self._held = await self._streams.hold(
                    lanes, holder=self._holder, lasts=self._lasts, right=_RIGHT
                )
            except Exception as error:
                self._held = set()
                if not isinstance(error, UpstreamUnavailable):
                    await log.aerror("judging waits", exc_info=error)
            await self._sleep(every_s if self._held else min(every_s, self._pause_s))

    async def _judged_through(self, lane: Lane, epoch: str) -> int:
        return await judging.judged_through(self._vault, lane, epoch)

    async def _on_lost(self, lost: Lost) -> None:
        # The first time that a lane is judged, its past is nobody's loss.
        if not lost.after.number:
            return
        self.tally.lost += lost.first - lost.after.number - 1
        await log.aerror(
            "events were never judged: they are kept nowhere any more",
            lane=str(lost.lane),
            after=lost.after.number,
            first=lost.first,
        )

    async def _forget(self) -> None:
        """Forget now and then what no window of any rule reaches."""
        now = self._clock()
        if self._forget_at is None or now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY
            await judging.forget_flows(self._vault, before=now - 2 * MAX_WINDOW)
