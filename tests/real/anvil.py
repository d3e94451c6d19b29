"""A real EVM node: anvil's native binary from its npm package, guarded by the test session."""

import platform
import shutil
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.ports import LOOPBACK, reserved_port
from deskgraph.engines.supervise import Engine, supervised, taken_folder
from scripts.node import NodeMissing
from tests.real.available import Unavailable
from tests.real.node_packages import packages

FOLDER = Path(__file__).parent / "contracts"
#: Mines a block when it is told to, and at no other time; without, one for each transaction.
ON_DEMAND = "--no-mining"


class Anvil:
    """A node on a port of the loopback; chain 1 unless ``options`` say otherwise.

    It keeps its chain below ``folder`` through ``restart``, and loses what it did since the last
    stop through ``kill``. Use it as a context manager.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder, self._options = folder, options
        self._held, self._running = ExitStack(), AsyncExitStack()
        self.client = httpx.AsyncClient(timeout=60)
        self._port = 0
        # The first block is not part of a chain's state: its hash follows from this alone.
        self._began = str(int(time.time()))

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def websocket(self) -> str:
        """Where it tells new heads."""
        return f"ws://{LOOPBACK}:{self._port}"

    async def __aenter__(self) -> Self:
        self._port = self._held.enter_context(reserved_port(0, setting=""))
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        await self.client.aclose()
        self._held.close()

    async def start(self) -> None:
        """Start it; it goes on from where it was stopped. Raises: Unavailable."""
        await self._run()

    async def stop(self) -> None:
        """Keep the chain's state, and end."""
        # With the states of old blocks: without, no block before a restart could be replaced.
        state = await self.call("anvil_dumpState", True)
        await self._running.aclose()
        (self._folder / "state").write_text(state)

    async def kill(self) -> None:
        """End it without a chance to keep anything."""
        await self._running.aclose()

    async def restart(self) -> None:
        """End it, and start it with the same chain on the same port."""
        await self.stop()
        await self.start()

    async def call(self, method: str, *params: Any) -> Any:
        """What the node answers; an error is the test's."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = (await self.client.post(self.url, json=body)).json()
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    async def _run(self) -> None:
        home = EngineFolder(self._folder, "anvil")
        place = ("--host", LOOPBACK, "--port", str(self._port))
        first = ("--chain-id", "1", "--timestamp", self._began)
        lock = await self._running.enter_async_context(taken_folder("anvil", home))
        engine = Engine(
            name="anvil",
            folder=home,
            command=(str(binary()), *place, *first, "--silent", *self._options),
            url=self.url,
            port=self._port,
            ready=self._answers,
            start_timeout_s=60,
            # Its state was asked for before it is ended.
            grace_s=0,
        )
        await self._running.enter_async_context(supervised(engine, lock))
        state = self._folder / "state"
        if state.exists():
            assert await self.call("anvil_loadState", state.read_text())
            await self.call("evm_setTime", int(time.time()))

    async def _answers(self) -> bool:
        try:
            await self.call("eth_chainId")
        except httpx.HTTPError:
            return False
        return True


def binary() -> Path:
    """The native program of the locked package, else the one on PATH.

    Raises: Unavailable.
    """
    try:
        modules = packages(FOLDER) / "node_modules"
    except NodeMissing as missing:
        raise Unavailable(f"anvil was not tested: {missing}") from missing
    found = sorted(modules.glob("@foundry-rs/anvil-*/bin/anvil"))
    on_path = shutil.which("anvil")
    if not found and on_path is None:
        raise Unavailable(
            f"anvil was not tested: no package of it is locked for {platform.system()} on "
            f"{platform.machine()}; put one on PATH."
        )
    return found[0] if found else Path(str(on_path))
