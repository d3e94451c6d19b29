"""A wire between a client and a Bolt server that can be cut, or held, where it hurts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec

from graph_api.store.address import GraphAddress

#: The message COMMIT as Bolt sends it: a chunk of two bytes and the empty chunk.
COMMIT: Final = b"\x00\x02\xb0\x12\x00\x00"


class Wire:
    """Passes bytes on. Of every ``every`` commits the answer to one is lost, and the line with it:
    the server has written, and its client cannot know.
    """

    def __init__(self, host: str, port: int, *, every: int) -> None:
        self._host, self._port, self._every = host, port, every
        self.commits = 0
        self.cuts = 0
        #: Set once the commit that was to be held has come.
        self.held = asyncio.Event()
        self._hold_at = 0
        self._free = asyncio.Event()
        self._lines: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Begin to listen. Returns: the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def hold(self, commit: int = 1) -> None:
        """Keep the ``commit``-th commit from now back, and what follows it, until ``let_go``."""
        self._hold_at = self.commits + commit
        self.held.clear()
        self._free.clear()

    def let_go(self) -> None:
        """Pass on what was held."""
        self._free.set()

    def go_down(self) -> None:
        """Cut every line and take no more calls; what was held is lost."""
        if self._server is not None:
            self._server.close()
        for line in self._lines:
            line.close()
        self.let_go()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        self._lines |= {writer, server_writer}
        cut = asyncio.Event()
        answers = asyncio.create_task(self._answers(server_reader, writer, cut))
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if COMMIT in data:
                    self.commits += 1
                    if self.commits % self._every == 0:
                        cut.set()
                    if self.commits == self._hold_at:
                        self.held.set()
                        await self._free.wait()
                server_writer.write(data)
                await server_writer.drain()
        await answers
        self._lines -= {writer, server_writer}
        server_writer.close()

    async def _answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if cut.is_set():
                    self.cuts += 1
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def wire_to(
    address: GraphAddress, *, every: int = 1 << 60
) -> AsyncIterator[tuple[GraphAddress, Wire]]:
    """The address of a wire to ``address``, and the wire."""
    parts = urlsplit(address.url)
    assert parts.hostname is not None
    assert parts.port is not None
    wire = Wire(parts.hostname, parts.port, every=every)
    port = await wire.open()
    try:
        yield msgspec.structs.replace(address, url=f"bolt://127.0.0.1:{port}"), wire
    finally:
        wire.go_down()
