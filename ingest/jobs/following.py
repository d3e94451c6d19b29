"""The follow job: keep one chain's graph at its head for as long as the process lives."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import GraphApiError, UpstreamUnavailable
from graph_api.domain.records import Reject
from graph_api.services.scanning import Trouble
from graph_api.store.graph import Graph
from graph_api.store.leases import LeaseLost
from graph_api.store.ledger.turn import Turn
from graph_api.store.scanners import Scanner
from ingest.jobs.nodes import Nodes
from ingest.pipelines.following import BATCH, Follower, Step
from ingest.pipelines.rejects import append_rejects
from ingest.providers.faults import NoEndpoint
from ingest.providers.health import EndpointStatus

#: How long to wait, each time, for nodes or a graph that have stopped to answer.
PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
#: The rate is that of the last so many steps.
_STEPS: Final = 50


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """How following one chain goes.

    ``blocks_per_s`` and ``records_per_s`` are of the last moments; ``lag`` counts blocks behind
    the head; ``last_trouble`` stays when ``trouble`` is over.
    """

    chain: str
    scanner: Scanner | None
    blocks_per_s: float
    records_per_s: float
    rejected: int
    endpoints: Sequence[EndpointStatus]
    trouble: Trouble | None = None
    last_trouble: Trouble | None = None

    @property
    def lag(self) -> int | None:
        """Blocks between the graph and the head."""
        if self.scanner is None:
            return None
        return max(0, self.scanner.head - self.scanner.block)


class Follow:
    """Follows one chain, through everything that passes; ``rejects`` is the file of what could
    not be decoded.
    """

    def __init__(
        self,
        graph: Graph,
        nodes: Nodes,
        *,
        clock: Callable[[], datetime],
        tell: Callable[[Following], None] = lambda following: None,
        rejects: Path | None = None,
        start: int | None = None,
        announce: bool = True,
        batch: int = BATCH,
        pauses_s: Sequence[float] = PAUSES_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._nodes, self._clock, self._tell = nodes, clock, tell
        self._rejects, self._pauses_s, self._sleep = rejects, pauses_s, sleep
        self._turn = Turn(graph, clock=clock)
        self._follower = Follower(
            graph,
            self._turn,
            nodes.source,
            start=start,
            announce=announce,
            batch=batch,
            report=self._report,
        )
        self._scanner: Scanner | None = None
        self._steps: deque[tuple[datetime, int, int]] = deque(maxlen=_STEPS)
        self._rejected = 0
        self._paused = 0
        self._last_trouble: Trouble | None = None

    @property
    def chain(self) -> Chain:
        """The chain that is followed."""
        return self._nodes.source.chain

    async def run(self, *, until: int | None = None) -> Scanner:
        """Follow until block ``until``, or for ever.

        Raises: BadInput when nodes cannot be used as they are named; TooDeep.
        """
        try:
            while True:
                try:
                    return await self._follower.run(until=until)
                except (UpstreamUnavailable, LeaseLost) as error:
                    await self._pause(error)
        finally:
            await self._turn.give_back()

    def troubled(self, error: GraphApiError, *, again_in_s: float | None = None) -> Following:
        """How it goes with ``error`` in the way; None for ``again_in_s``: not again by itself."""
        remedy = error.remedy if isinstance(error, NoEndpoint) else None
        self._last_trouble = Trouble(
            error=str(error), at=self._clock(), again_in_s=again_in_s, remedy=remedy
        )
        return self._following(self._last_trouble)

    def _following(self, trouble: Trouble | None = None) -> Following:
        blocks, records = self._rates()
        return Following(
            chain=self.chain.id,
            scanner=self._scanner,
            blocks_per_s=blocks,
            records_per_s=records,
            rejected=self._rejected,
            endpoints=self._nodes.endpoints.status(),
            trouble=trouble,
            last_trouble=self._last_trouble,
        )

    async def _pause(self, error: GraphApiError) -> None:
        pause_s = self._pauses_s[min(self._paused, len(self._pauses_s) - 1)]
        self._paused += 1
        self._tell(self.troubled(error, again_in_s=pause_s))
        await self._sleep(pause_s)

    def _report(self, step: Step) -> None:
        self._paused = 0
        before, self._scanner = self._scanner, step.scanner
        blocks = step.scanner.block - before.block if before else 1
        self._steps.append((self._clock(), max(0, blocks), step.written))
        if step.rejects:
            self._reject(step.rejects)
        self._tell(self._following())

    def _reject(self, rejects: Sequence[Reject]) -> None:
        self._rejected += len(rejects)
        if self._rejects is not None:
            append_rejects(self._rejects, rejects)

    def _rates(self) -> tuple[float, float]:
        if len(self._steps) < 2:
            return 0.0, 0.0
        took = (self._steps[-1][0] - self._steps[0][0]).total_seconds() or 1e-9
        steps = list(self._steps)[1:]
        return sum(step[1] for step in steps) / took, sum(step[2] for step in steps) / took
