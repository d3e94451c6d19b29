"""Answers on a socket until it is told to stop: running requests are finished, new ones refused."""

import asyncio
import contextlib
import errno
import gc
import math
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import cast

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph_api.domain.errors import GraphApiError
from graph_api.server.accepting import SharedListener, Shares
from graph_api.server.wire import WebSockets
from graph_api.settings import HttpSettings

MAX_HEAD_BYTES = 1_048_576  # before it is complete; the middleware's limits apply to complete ones
MAX_MESSAGE_BYTES = 65_536  # of a WebSocket
CLOSE = (b"connection", b"close")
LEAVE = "leave"  # of an application's state: what parts from those who stay connected
PART_POLL_S = 0.02
#: When garbage is looked for: among new objects often enough, among all of thousands of connections
#: seldom, as that holds up everybody.
COLLECT = (2_000, 20, 50)

log = structlog.get_logger("graph_api.server")


class CannotListen(GraphApiError):
    """The address cannot be used; front doors print the sentence and exit with 2."""

    def __init__(self, http: HttpSettings, error: OSError) -> None:
        looked_up = isinstance(error, socket.gaierror)
        reason = error.strerror if looked_up else os.strerror(error.errno or errno.EINVAL)
        super().__init__(
            f"Cannot listen on {http.host}:{http.port}: {(reason or str(error)).lower()}; "
            "stop the program that uses it, or set DESKGRAPH_HTTP__PORT (0 picks a free port) "
            "or DESKGRAPH_HTTP__HOST."
        )


def listen(http: HttpSettings) -> socket.socket:
    """The socket that ``http`` describes. Raises: CannotListen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(http, error) from error


def address_of(listener: socket.socket) -> str:
    """The base address of what answers there, such as ``http://127.0.0.1:8000``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def stop_when_closed(fd: int) -> None:
    """Stop this process, as SIGTERM does, once nobody holds the other end of ``fd`` any more."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(fd, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    # A thread, since an end must be noticed whatever the event loop does.
    threading.Thread(target=wait, daemon=True).start()


def _config(app: ASGIApp, http: HttpSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        loop="uvloop",
        http=_Http,
        ws=WebSockets,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(http.graceful_stop_s),
    )


class Server(uvicorn.Server):
    """Answers on one socket until it is told to stop, then finishes what runs.

    SIGINT and SIGTERM stop it, for ``graceful_stop_s`` at most; ``drain`` hands over to another
    process on the same socket.

    Args:
        ready: Called once with the base address when requests are answered.
        shared: The number of this process, and what it and the others share the socket by.
    """

    def __init__(
        self,
        app: Starlette,
        http: HttpSettings,
        *,
        ready: Callable[[str], object] | None = None,
        shared: tuple[int, Shares] | None = None,
    ) -> None:
        super().__init__(_config(app, http))
        self._app, self._ready, self._shared = app, ready, shared
        self._listener: SharedListener | None = None
        self._draining = False

    def answer(self, listener: socket.socket) -> None:
        """Serve. What the application raises instead of starting is raised here."""
        # The schema and all that is loaded stay as long as the process does: a collection that
        # looked through them again would hold up every client.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        self.run(sockets=[listener])

    def drain(self) -> None:
        """Take no new connections, and part from the open ones without losing a request."""
        self._draining = self.should_exit = True

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        # The library would log a start that fails with its trace, and end the process.
        with self.capture_signals():
            async with self._app.router.lifespan_context(self._app):
                await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        assert sockets is not None
        (listener,) = sockets
        if self._shared is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            self._listen(listener, *self._shared)
        address = address_of(listener)
        log.info("listening", address=address)
        if self._ready is not None:
            self._ready(address)

    def _listen(self, listener: socket.socket, number: int, shares: Shares) -> None:
        self._listener = SharedListener(
            listener,
            lambda: _Http(self.config, self.server_state, self.lifespan.state),
            self.server_state.connections,
            shares=shares,
            number=number,
        )
        self.servers = [cast(asyncio.Server, self._listener)]

    async def on_tick(self, counter: int) -> bool:
        if self._listener is not None:
            self._listener.tell()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
        for leave in getattr(self._app.state, LEAVE, ()):
            await leave()
        if self._draining:
            await self._part()
        await super().shutdown(sockets)

    async def _part(self) -> None:
        """Let each connection end with its next answer, which says so, or by staying silent."""
        self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        until = asyncio.get_running_loop().time() + self.config.timeout_keep_alive
        while self.server_state.connections and self._draining:
            if asyncio.get_running_loop().time() > until:
                return
            await asyncio.sleep(PART_POLL_S)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # The library raises the signal again after a graceful stop, which turns it into a death.
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and not self._draining:
            self.force_exit = True  # asked twice: nobody wants to wait
        self.should_exit, self._draining = True, False


class _Http(HttpToolsProtocol):
    """Cuts a request whose head does not end; the library would collect it without a bound."""

    head_bytes = 0
    in_head = True

    def data_received(self, data: bytes) -> None:
        if self.in_head:
            self.head_bytes += len(data)
            if self.head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The head of the request is too large.")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.head_bytes, self.in_head = 0, True
        super().on_message_complete()
