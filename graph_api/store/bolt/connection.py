"""One connection: it logs in, asks one question at a time and never mixes two answers up.

Every request that is sent puts one step on a list, every summary takes the first one off. A
question that nobody waits for any more is ended by RESET: what still arrives of it is counted off
and thrown away, and only the answer to RESET makes the connection ready for another question.
"""

import asyncio
from collections import deque
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol, cast

from neo4j.exceptions import Neo4jError

from graph_api.store.bolt import messages
from graph_api.store.bolt.faults import (
    AnswerTooLarge,
    Late,
    Lost,
    NotOurs,
    Structured,
    Surprise,
    server_error,
)
from graph_api.store.bolt.framing import Messages
from graph_api.store.bolt.messages import FAILURE, IGNORED, RECORD, SUCCESS
from graph_api.store.bolt.packstream import Codec, doubtful, unpack_carefully

#: How long a question that was ended may take to leave its connection clean.
GRACE_S: Final = 2.0

_VERSION_BYTES: Final = 4


class Answer(NamedTuple):
    """What a statement returned."""

    keys: tuple[str, ...]
    rows: list[list[Any]]


class Step(Enum):
    """A request whose summary has not come yet."""

    GREET = 0
    LOG_IN = 1
    RUN = 2
    PULL = 3
    RESET = 4


class Keeper(Protocol):
    """Who is told what becomes of a connection."""

    def ready(self, connection: "Connection") -> None:
        """Its question is over, it may be asked the next."""

    def stuck(self, connection: "Connection") -> None:
        """The server goes on with a question that was ended; the connection is given up."""

    def lost(self, connection: "Connection") -> None:
        """It is gone."""


class Connection(asyncio.Protocol):
    """One Bolt connection."""

    def __init__(self, keeper: Keeper, codec: Codec, *, max_answer_bytes: int) -> None:
        self._keeper, self._max_bytes = keeper, max_answer_bytes
        self._codec, self._unpack = codec, codec.unpack
        self._messages = Messages(self._take, max_bytes=max_answer_bytes)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._greeting, self._version = b"", (0, 0)
        self._steps: deque[Step] = deque()
        self._waiter: asyncio.Future[Answer] | None = None
        self._failure: Exception | None = None
        self._asked = self._careful = False
        self._keys: tuple[str, ...] = ()
        self._rows: list[list[Any]] = []
        self._received = 0
        self._deadline: asyncio.TimerHandle | None = None
        self.closed = False
        #: Our end of it, as the server sees it unless something stands between.
        self.address = ""
        self.opened_at = self.heard_at = self._loop.time()

    async def log_in(self, user: str, password: str) -> None:
        """Agree on a version and log in.

        Raises: NotOurs, Lost, Neo4jError when the server refuses the login.
        """
        await self._exchange(messages.GREETING, Step.GREET)
        self._version = messages.agreed(self._greeting)
        login, answers = messages.log_in(self._version, user, password=password, codec=self._codec)
        await self._exchange(login, *[Step.LOG_IN] * answers)

    async def check(self) -> None:
        """Find out whether the server still answers on this connection.

        Raises: Lost, NotOurs.
        """
        await self._exchange(messages.RESET, Step.RESET)

    async def ask(self, question: bytes, *, timeout_s: float) -> Answer:
        """The whole answer to a packed question; the keeper hears when the next may follow.

        Raises: Neo4jError for what the server refuses, NotOurs, Lost, Late, AnswerTooLarge.
        """
        self._asked, self._received = True, 0
        self._deadline = self._loop.call_later(timeout_s, self._out_of_time)
        return await self._exchange(question, Step.RUN, Step.PULL)

    def now(self) -> float:
        """The clock of ``heard_at``."""
        return self._loop.time()

    def close(self) -> None:
        """Leave politely."""
        self.closed = True
        if self._transport is not None:
            self._transport.write(messages.GOODBYE)
            self._transport.close()

    def abort(self) -> None:
        """Leave at once; what was asked fails."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, port = transport.get_extra_info("sockname", ("", 0))[:2]
        self.address = f"{host}:{port}"

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._steps.clear()
        self._settle(self._failure or Lost())
        self._keeper.lost(self)

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        self.heard_at = self._loop.time()
        try:
            if self._steps and self._steps[0] is Step.GREET:
                self._greeted(data)
            else:
                self._received += len(data)
                self._careful |= b"\xd6" in data or b"\xda" in data
                self._messages.feed(data)
                self._careful &= self._messages.pending
                if self._received > self._max_bytes and self._waiter is not None:
                    raise AnswerTooLarge(self._max_bytes)
        except (Lost, NotOurs, AnswerTooLarge, Neo4jError) as error:
            self._failure = self._failure or error
            self.abort()

    # How a conversation goes

    async def _exchange(self, data: bytes, *steps: Step) -> Answer:
        if self.closed or self._transport is None:
            raise Lost
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        self._waiter = waiter
        self._steps.extend(steps)
        self._transport.write(data)
        try:
            return await waiter
        except asyncio.CancelledError:
            if self._waiter is waiter:
                self._abandon()
            elif not waiter.cancelled():
                waiter.exception()  # It came too late to be raised, and is no error of the loop.
            raise

    def _greeted(self, data: bytes) -> None:
        self._greeting += data
        if len(self._greeting) > _VERSION_BYTES:
            raise Surprise("The server says more than it was asked.")
        if len(self._greeting) == _VERSION_BYTES:
            self._done()

    def _take(self, message: bytearray, start: int, stop: int) -> None:
        """A message of the server, ``message[start:stop]``."""
        if stop - start < 2 or not self._steps:
            raise Surprise("A message is empty or answers nothing.")
        signature = message[start + 1]
        if signature == RECORD:
            self._record(message, start, stop)
        elif signature == SUCCESS:
            self._success(message, start, stop)
        elif signature == FAILURE:
            self._refused(message, start, stop)
        elif signature == IGNORED and Step.RESET in self._steps:
            self._done()
        else:
            raise Surprise("A message is of an unknown kind.")

    def _record(self, message: bytearray, start: int, stop: int) -> None:
        if self._steps[0] is not Step.PULL:
            raise Surprise("A record comes where none belongs.")
        if self._waiter is None or self._failure is not None:
            return
        body = message[start + 2 : stop]  # apart, so that nothing reads on behind its end
        try:
            row, end = self._value(body)
        except Structured as structure:
            self._reset(structure)
            return
        if end != len(body) or type(row) is not list or len(row) != len(self._keys):
            raise Surprise("A record does not have the columns that were announced.")
        self._rows.append(row)

    def _success(self, message: bytearray, start: int, stop: int) -> None:
        step = self._steps[0]
        if step is Step.RUN or step is Step.PULL:
            told = self._told(message, start, stop)
            if step is Step.RUN:
                self._keys, self._rows = _columns(told), []
            elif told.get("has_more"):
                raise Surprise("The server keeps rows back although all were asked for.")
        self._done()

    def _refused(self, message: bytearray, start: int, stop: int) -> None:
        step = self._steps[0]
        if step is Step.RESET:
            raise Surprise("The server cannot reset the connection.")
        if Step.RESET not in self._steps:
            error = server_error(self._version, self._told(message, start, stop))
            if step is Step.LOG_IN:
                raise error
            if _login_ended(error):
                raise Lost from error
            self._reset(error)
        self._done()

    def _value(self, body: bytearray) -> tuple[Any, int]:
        if self._careful and doubtful(body, 0, len(body)):
            return unpack_carefully(body, 0)
        return self._unpack(body, 0)

    def _told(self, message: bytearray, start: int, stop: int) -> dict[str, Any]:
        body = message[start + 2 : stop]
        told, end = self._value(body)
        if end != len(body) or not isinstance(told, dict):
            raise Surprise("A summary carries no map.")
        return told

    def _done(self) -> None:
        """The first step is over; after the last, whoever asked has the answer."""
        self._steps.popleft()
        if self._steps:
            return
        self._settle(self._failure)
        if self._asked:
            self._asked = False
            self._keeper.ready(self)

    # How a conversation ends otherwise

    def _settle(self, failure: Exception | None) -> None:
        self._no_deadline()
        waiter, rows = self._waiter, self._rows
        self._waiter, self._failure, self._rows = None, None, []
        if waiter is None or waiter.done():
            return
        if failure is None:
            waiter.set_result(Answer(self._keys, rows))
        else:
            waiter.set_exception(failure)

    def _reset(self, failure: Exception | None) -> None:
        """End the question and leave the connection clean, or if that takes long, leave it."""
        assert self._transport is not None
        self._failure, self._rows = failure, []
        self._steps.append(Step.RESET)
        self._transport.write(messages.RESET)
        self._no_deadline()
        self._deadline = self._loop.call_later(GRACE_S, self._give_up)

    def _give_up(self) -> None:
        self._keeper.stuck(self)
        self.abort()

    def _no_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self._waiter = None
        if not self._asked or self.closed:
            self.abort()
        elif Step.RESET not in self._steps:
            self._reset(None)

    def _out_of_time(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(Late(silent=self._received == 0))
            self._abandon()


def _columns(told: dict[str, Any]) -> tuple[str, ...]:
    columns = told.get("fields", [])
    if not isinstance(columns, list):
        raise Surprise("The columns of an answer are no list.")
    return tuple(columns)


def _login_ended(error: Neo4jError) -> bool:
    """Whether the server knows this connection's user no longer; a new login may be better."""
    code = error.code or ""
    return code.startswith("Neo.ClientError.Security.") and not code.endswith(".Forbidden")
