"""The reader: asks reading statements itself, and says so when the official driver must."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from neo4j.exceptions import ServiceUnavailable

from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.store.bolt.connection import Answer, Connection, Keeper
from graph_api.store.bolt.faults import Late, Lost, NotOurs, OutOfTime, Structured, Unspoken
from graph_api.store.bolt.messages import Questions
from graph_api.store.bolt.packstream import Codec, best_codec
from graph_api.store.bolt.pool import Pool

log = structlog.get_logger("graph_api.store.bolt")

#: The largest answer that is read, in bytes on the wire.
MAX_ANSWER_BYTES: Final = 512 * 2**20
#: How much longer than the server the reader waits, so that the server may say why it stopped.
PATIENCE_S: Final = 1.0

_SCHEMES: Final = ("bolt", "bolt+s", "bolt+ssc")
_PORT: Final = 7687
_CONNECT_S: Final = 10.0
_REMEMBERED: Final = 1_000


def reads(url: str) -> bool:
    """Whether a reader can ask what stands at ``url``: one server, no routing."""
    parts = urlsplit(url)
    return parts.scheme in _SCHEMES and bool(parts.hostname) and not parts.query


class Reader:
    """Reads from one server. Safe to share between the tasks of one event loop."""

    def __init__(
        self,
        url: str,
        user: str,
        *,
        password: str,
        database: str,
        pool_size: int,
        query_timeout_s: float,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        codec: Codec | None = None,
        on_stuck: Callable[[str], object] = lambda address: None,
    ) -> None:
        """``on_stuck`` hears our address of connections whose server goes on when it should not."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or _PORT
        self._tls = _tls(parts.scheme)
        self._user, self._password = user, password
        self._codec, self._max_bytes = codec or best_codec(), max_answer_bytes
        self._questions = Questions(self._codec, database=database, timeout_s=query_timeout_s)
        self._timeout_s = query_timeout_s + PATIENCE_S
        self._pool = Pool(
            self._connected,
            size=pool_size,
            wait_s=query_timeout_s,
            on_stuck=lambda connection: on_stuck(connection.address),
        )
        self._structured: dict[str, None] = {}
        self._silent = False
        #: How often what happened: ``asked``, ``asked again``, and why the driver was called.
        self.tally: Counter[str] = Counter()

    async def read(self, text: str, parameters: dict[str, Any]) -> Answer:
        """What the statement returns.

        Raises: NotOurs when the driver must ask; Neo4jError and ServiceUnavailable as the driver
        would; UpstreamUnavailable when no connection becomes free, or the server says nothing at
        all; TooCostly when the answer takes too long or is too large.
        """
        self.tally["asked"] += 1
        try:
            return await self._twice(self._question(text, parameters))
        except NotOurs as reason:
            self._remember(reason, text)
            raise

    async def close(self) -> None:
        """Part from the server."""
        await self._pool.close()

    def _question(self, text: str, parameters: dict[str, Any]) -> bytes:
        if self._silent or text in self._structured:
            raise NotOurs
        try:
            return self._questions.packed(text, parameters)
        except (ValueError, TypeError, OverflowError) as error:
            raise NotOurs from error

    async def _twice(self, question: bytes) -> Answer:
        """Ask; once more, on a connection that is no older, when the first one died of it."""
        try:
            return await self._once(question)
        except Lost:
            self.tally["asked again"] += 1
            self._pool.give_up_idle()
        try:
            return await self._once(question)
        except Lost as error:
            raise ServiceUnavailable("The graph ends every connection.") from error

    async def _once(self, question: bytes) -> Answer:
        connection = await self._pool.take()
        asked_at = connection.now()
        try:
            return await connection.ask(question, timeout_s=self._timeout_s)
        except Late as late:
            raise self._late(late, asked_at) from None

    def _late(self, late: Late, asked_at: float) -> GraphApiError:
        if not late.silent or self._pool.heard_since(asked_at):
            return OutOfTime()
        self._pool.doubt()
        return UpstreamUnavailable("The graph", retry_after_s=5)

    def _remember(self, reason: NotOurs, text: str) -> None:
        self.tally[f"driver: {type(reason).__name__}"] += 1
        if isinstance(reason, Structured):
            if len(self._structured) >= _REMEMBERED:
                self._structured.clear()
            self._structured[text] = None
        elif isinstance(reason, Unspoken) and not self._silent:
            self._silent = True
            log.info("reader_off", reason=str(reason))

    async def _connected(self, keeper: Keeper) -> Connection:
        try:
            async with asyncio.timeout(_CONNECT_S):
                connection = await self._reached(keeper)
                try:
                    await connection.log_in(self._user, self._password)
                except BaseException:
                    connection.abort()
                    raise
        except OSError as error:
            raise ServiceUnavailable(f"The graph at {self._host} cannot be reached.") from error
        return connection

    async def _reached(self, keeper: Keeper) -> Connection:
        transport, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(keeper, self._codec, max_answer_bytes=self._max_bytes),
            self._host,
            self._port,
            ssl=self._tls,
            server_hostname=self._host if self._tls else None,
        )
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connection


def _tls(scheme: str) -> ssl.SSLContext | None:
    """Encryption as the official driver understands the scheme: with ``+ssc`` it trusts anyone."""
    if scheme == "bolt":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if scheme == "bolt+ssc":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_default_certs()
    return context
