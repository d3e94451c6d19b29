"""Notices on their way: made of alerts, sent, tried again, and put on record.

Any number of processes may do so side by side. What one of them held when it died is sent again by
another, under the same id.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.notices import (
    Destination,
    DestinationKind,
    Endpoint,
    Notice,
    NoticeKind,
    NoticeState,
    Outcome,
    Verdict,
    notice_id,
)
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.domain.signing import headers
from graph_api.store.holders import new_holder
from graph_api.vault import destinations, notices, sending, spreading
from graph_api.vault.destinations import endpoint_of
from graph_api.vault.jobs import Job
from graph_api.vault.sealing import Seal, Unsealable
from graph_api.vault.sending import Held, HoldLost
from graph_api.vault.vault import Vault
from ingest.pipelines.letters import Letter, Off, mail_message, slack_message, webhook_body
from ingest.providers import mail
from ingest.providers.mail import MailServer
from ingest.providers.posting import Poster

#: How long notices are kept that were sent or dropped.
KEPT: Final = timedelta(days=30)
#: After so long without a success a destination is switched off.
PATIENCE: Final = timedelta(days=5)
_IDLE_S: Final = 0.5
_PAUSE_S: Final = 5.0
_FORGET_EVERY: Final = timedelta(hours=1)
#: How long to wait, each time, for a vault that is away before what was sent is put on record.
_SETTLE_AGAIN_S: Final = (0.5, 2.0, 5.0)

log: Final = structlog.get_logger("deskgraph.ingest")


class Sender:
    """Sends letters, each kind of destination its way."""

    def __init__(
        self,
        poster: Poster,
        *,
        clock: Callable[[], datetime],
        mail_server: MailServer | None = None,
    ) -> None:
        self._poster, self._clock, self._mail_server = poster, clock, mail_server

    @property
    def longest(self) -> timedelta:
        """No letter is on its way for longer."""
        return timedelta(seconds=max(self._poster.whole_s, mail.TIMEOUT_S))

    async def send(self, destination: Destination, endpoint: Endpoint, letter: Letter) -> Outcome:
        """What becomes of a letter."""
        match destination.kind:
            case DestinationKind.EMAIL:
                return await self._mail(endpoint, letter)
            case DestinationKind.SLACK:
                return await self._poster.post(endpoint.url or "", slack_message(letter), {})
        body, now = webhook_body(letter), self._clock()
        secrets = [endpoint.secret] if endpoint.secret else []
        if endpoint.previous and destination.previous_until and now < destination.previous_until:
            secrets.append(endpoint.previous)
        signed = headers(letter.id, body, at=now, secrets=secrets)
        return await self._poster.post(endpoint.url or "", body, signed)

    async def _mail(self, endpoint: Endpoint, letter: Letter) -> Outcome:
        server = self._mail_server
        if server is None:
            reason = "No mail server is named: set DESKGRAPH_NOTICES__SMTP_URL."
            return Outcome(verdict=Verdict.AGAIN, reason=reason)
        message = mail_message(letter, sender=server.sender, recipients=endpoint.addresses)
        return await mail.send(server, message)


class Noticer:
    """Makes notices and sends them, many at once.

    Args:
        random: Numbers from 0 to 1; what failed together is not tried again together.
        patience: A destination that only fails for so long is switched off.
    """

    def __init__(
        self,
        vault: Vault,
        sender: Sender,
        *,
        seal: Seal | None,
        clock: Callable[[], datetime],
        random: Callable[[], float],
        at_once: int = 8,
        patience: timedelta = PATIENCE,
        kept: timedelta = KEPT,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._vault, self._sender, self._seal = vault, sender, seal
        self._clock, self._random, self._sleep = clock, random, sleep
        self._at_once, self._patience, self._kept = at_once, patience, kept
        self._lease = 2 * sender.longest
        self._name = new_holder()
        self._wakes = asyncio.Event()

    def wake(self) -> None:
        """There may be something to do: look at once."""
        self._wakes.set()

    async def run(self) -> None:
        """Work for ever; a vault that is away is waited for."""
        slots = asyncio.Semaphore(self._at_once)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._for_ever(self.spread))
            tasks.create_task(self._for_ever(lambda: self._send_due(tasks, slots)))
            tasks.create_task(self._forget())

    async def spread(self) -> int:
        """Make the notices of all news of alerts. Returns: how much news that was."""
        count = 0
        for workspace in await spreading.behind(self._vault):
            while walked := await spreading.spread(self._vault, workspace, now=self._clock()):
                count += walked
        if count:
            self.wake()
        return count

    async def drain(self) -> list[Notice]:
        """Send what is due now, one after another. Returns: what became of each try."""
        tried = []
        while (held := await self._claim()) is not None:
            tried.append(await self._send(held))
        return tried

    async def test(self, job: Job) -> Outcome:
        """What becomes of the letter that a job about a destination asks for."""
        destination, endpoint = await destinations.opened(
            self._vault, LOCAL, job.arguments["destination"], seal=self._seal
        )
        letter = Letter(
            id=notice_id(job.workspace, destination.id, NoticeKind.TEST, job.id),
            kind=NoticeKind.TEST,
            workspace=job.workspace,
            at=job.created_at,
        )
        return await self._sender.send(destination, endpoint, letter)

    async def _for_ever(self, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except GraphApiError as error:
                await log.awarning("notices wait", error=str(error))
                await self._sleep(_PAUSE_S)
            except Exception as error:
                await log.aerror("notices failed", exc_info=error)
                await self._sleep(_PAUSE_S)
            await self._idle()

    async def _idle(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wakes.wait(), _IDLE_S)
        self._wakes.clear()

    async def _send_due(self, tasks: asyncio.TaskGroup, slots: asyncio.Semaphore) -> None:
        """Begin to send all that is due, so many at once; a slow one keeps no other waiting."""
        while await sending.is_due(self._vault, now=self._clock()):
            await slots.acquire()
            try:
                held = await self._claim()
            except BaseException:
                slots.release()
                raise
            if held is None:
                slots.release()
                return
            under_way = tasks.create_task(self._send_safely(held))
            under_way.add_done_callback(lambda _: slots.release())

    async def _send_safely(self, held: Held) -> None:
        """One notice that fails in an unexpected way takes no others with it."""
        try:
            await self._send(held)
        except HoldLost as error:
            await log.awarning("notice sent late", notice=held.notice.id, error=str(error))
        except Exception as error:
            # Its lease runs out, and it is tried again.
            await log.aerror("notice failed", notice=held.notice.id, exc_info=error)

    async def _claim(self) -> Held | None:
        return await sending.claim(
            self._vault, worker=self._name, now=self._clock(), lease=self._lease
        )

    async def _send(self, held: Held) -> Notice:
        try:
            letter = await self._letter(held)
            if letter is None:
                reason = "What it tells of is not kept any more."
                return await sending.give_up(self._vault, held, reason=reason, now=self._clock())
            outcome = await self._sent(held.destination, held.sealed, letter)
        except asyncio.CancelledError:
            with suppress(GraphApiError):
                await sending.release(self._vault, held, now=self._clock())
            raise
        notice = await self._settle(held, outcome)
        if notice.state is not NoticeState.SENT:
            await log.awarning(
                "notice not sent",
                notice=notice.id,
                destination=notice.destination,
                attempts=notice.attempts,
                state=notice.state.value,
                reason=outcome.reason,
            )
        self.wake()
        return notice

    async def _sent(self, destination: Destination, sealed: str | None, letter: Letter) -> Outcome:
        try:
            endpoint = endpoint_of(destination, sealed, self._seal)
        except (BadInput, Unsealable) as error:
            return Outcome(verdict=Verdict.AGAIN, reason=str(error))
        return await self._sender.send(destination, endpoint, letter)

    async def _settle(self, held: Held, outcome: Outcome) -> Notice:
        """Put it on record: a vault that is away for a moment costs no second message."""
        for pause_s in (*_SETTLE_AGAIN_S, None):
            try:
                return await sending.settle(
                    self._vault,
                    held,
                    outcome,
                    now=self._clock(),
                    random=self._random(),
                    patience=self._patience,
                )
            except HoldLost:
                raise
            except GraphApiError:
                if pause_s is None:
                    raise
                await self._sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    async def _letter(self, held: Held) -> Letter | None:
        """What a notice says; None where there is nothing left to say."""
        notice = held.notice
        letter = Letter(
            id=notice.id, kind=notice.kind, workspace=notice.workspace, at=notice.made_at
        )
        if notice.kind is NoticeKind.DISABLED:
            off = await self._off(notice)
            return None if off is None else msgspec.structs.replace(letter, off=off)
        told = await sending.told(self._vault, held)
        if not told.raised and not told.retracted:
            return None
        return msgspec.structs.replace(
            letter,
            at=told.raised[0].raised_at if notice.kind is NoticeKind.RAISED else notice.made_at,
            raised=tuple(told.raised),
            retracted=tuple(told.retracted),
        )

    async def _off(self, notice: Notice) -> Off | None:
        owner = Principal(notice.principal, notice.workspace, PrincipalKind.SERVICE)
        found = (await destinations.by_ids(self._vault, owner, [notice.subject])).get(
            notice.subject
        )
        if found is None:
            return None
        reason = found.disabled_reason or "It was switched on again since."
        return Off(id=found.id, name=found.name, reason=reason)

    async def _forget(self) -> None:
        while True:
            with suppress(GraphApiError):
                await notices.forget(self._vault, before=self._clock() - self._kept)
            await self._sleep(_FORGET_EVERY.total_seconds())
