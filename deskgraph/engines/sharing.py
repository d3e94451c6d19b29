"""One embedded graph for several commands at once, when nobody keeps one up for them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from deskgraph.engines.arcadedb import FOLDER, embedded_graph, running_graph
from deskgraph.engines.errors import AlreadyRunning
from deskgraph.engines.folder import EngineFolder, FolderLock
from deskgraph.engines.supervise import POLL_S
from graph_api.settings import EmbeddedSettings
from graph_api.store.address import GraphAddress

Answer = TypeVar("Answer")


@asynccontextmanager
async def shared_graph(
    home: Path, settings: EmbeddedSettings, *, query_timeout_s: float = 30.0
) -> AsyncIterator[GraphAddress]:
    """The graph of ``home``: the one that runs, else one that is started here.

    A graph that was started here stays until every other command that found it is done, so
    commands that overlap never lose it while they work; an interrupt does not wait for them.

    Raises: as ``embedded_graph`` does, except that another's start is waited for.
    """
    folder = EngineFolder(home, FOLDER)
    folder.prepare()
    async with AsyncExitStack() as held:
        share = await _poll(folder.use)
        held.callback(share.release)
        while (address := running_graph(home)) is None:
            engine = embedded_graph(home, settings, query_timeout_s=query_timeout_s)
            try:
                address = await held.enter_async_context(engine)
            except AlreadyRunning:
                await asyncio.sleep(POLL_S)
            else:
                held.push_async_exit(_Last(share).leave)
                break
        yield address


class _Last:
    """Leaves when the others have left."""

    def __init__(self, share: FolderLock) -> None:
        self._share = share

    async def leave(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """Wait for the others, unless we were interrupted."""
        if kind is None or issubclass(kind, Exception):
            await _poll(self._share.is_sole)


async def _poll(ask: Callable[[], Answer | None]) -> Answer:
    """The first answer that is one."""
    while True:
        if answer := ask():
            return answer
        await asyncio.sleep(POLL_S)
