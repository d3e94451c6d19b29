"""Rings when a node tells of a new head over its WebSocket; polling goes on where none does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import websockets

from ingest.providers.endpoints import Endpoint, Endpoints

_SUBSCRIBE: Final = msgspec.json.encode(
    {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
)
_LONGEST_S: Final = 60.0


class Bell:
    """Says when it is time to look for a head again."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._rung = asyncio.Event()
        #: How often a node has rung; metrics and tests read it.
        self.rings = 0

    async def wait(self, *, at_most_s: float) -> None:
        """Until it rings, or so much time has passed."""
        slept = asyncio.ensure_future(self._endpoints.sleep(at_most_s))
        rung = asyncio.ensure_future(self._rung.wait())
        try:
            await asyncio.wait({slept, rung}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            slept.cancel()
            rung.cancel()
            await asyncio.gather(slept, rung, return_exceptions=True)
        self._rung.clear()

    async def listen(self, endpoint: Endpoint) -> None:
        """Be rung by this endpoint for as long as it lasts, whatever happens to the line."""
        failures = 0
        while True:
            try:
                async for _ in _heads(str(endpoint.settings.websocket)):
                    failures = 0
                    self.ring()
            except (OSError, TimeoutError, websockets.WebSocketException):
                failures += 1
            pause = min(2.0 ** min(failures, 8), _LONGEST_S)
            await self._endpoints.sleep(pause * self._endpoints.random.uniform(0.5, 1.0))

    def ring(self) -> None:
        """There is news."""
        self.rings += 1
        self._rung.set()


@asynccontextmanager
async def bell_of(endpoints: Endpoints) -> AsyncIterator[Bell]:
    """A bell that every endpoint with a WebSocket rings while the block lasts."""
    bell = Bell(endpoints)
    ringers: Sequence[asyncio.Task[None]] = [
        asyncio.create_task(bell.listen(endpoint))
        for endpoint in endpoints.all
        if endpoint.settings.websocket
    ]
    try:
        yield bell
    finally:
        for ringer in ringers:
            ringer.cancel()
        await asyncio.gather(*ringers, return_exceptions=True)


async def _heads(url: str) -> AsyncIterator[None]:
    """Once for each new head that the node at ``url`` tells of, and once for the subscription."""
    async with websockets.connect(url, open_timeout=10, max_size=1 << 20) as line:
        await line.send(_SUBSCRIBE.decode())
        async for _ in line:
            yield
