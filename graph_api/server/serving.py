"""Runs an application until it is told to stop: running requests are finished, new ones refused."""

import contextlib
import errno
import math
import os
import signal
import socket
from collections.abc import Callable, Generator
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph_api.domain.errors import GraphApiError
from graph_api.server.logs import configure_logging
from graph_api.settings import HttpSettings, Settings

MAX_HEAD_BYTES = 1_048_576  # before it is complete; the middleware's limits apply to complete ones
MAX_MESSAGE_BYTES = 65_536  # of a WebSocket

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


def serve(
    app: ASGIApp, settings: Settings, *, announce: Callable[[str], object] | None = None
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what runs, for ``graceful_stop_s`` at most.

    Args:
        announce: Called once with the base address (``http://127.0.0.1:8000``) when requests are
            answered.
    Raises: CannotListen before anything of ``app`` has started.
    """
    configure_logging()
    with _listen(settings.http) as listener:
        server = _Server(_config(app, settings.http), _address(listener), announce)
        server.run(sockets=[listener])


def _config(app: ASGIApp, http: HttpSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=_Http,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(http.graceful_stop_s),
    )


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, address: str, announce: Callable[[str], object] | None
    ) -> None:
        super().__init__(config)
        self.address, self.announce = address, announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            log.info("listening", address=self.address)
            if self.announce is not None:
                self.announce(self.address)

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
        if self.should_exit:
            self.force_exit = True  # asked twice: nobody wants to wait
        self.should_exit = True


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


def _listen(http: HttpSettings) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            http.host, http.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(http, error) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
