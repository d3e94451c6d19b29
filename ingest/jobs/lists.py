"""Brings the graph's labels of watchlists up to date.

A job ends in the transaction that finds nothing changed since it looked; each change that comes
after asks for another one. Labels keep their ids, so that a job that is begun again, or twice,
writes nothing twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from graph_api.domain.principals import LOCAL
from graph_api.domain.published import bounds_of, labels_of, taken_back
from graph_api.domain.records import Label
from graph_api.domain.watchlists import Watchlist
from graph_api.services.watchlists import PUBLICATION
from graph_api.store import labels
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.vault import jobs, published_lists, watchlists
from graph_api.vault.jobs import Job, Note
from graph_api.vault.vault import Vault
from ingest.jobs.workers import Ended, JobWorker, Ring, Tell, nobody

#: Labels of one transaction.
_BATCH: Final = 1_000
_AGAIN: Final = "Publish the watchlist again: what was written stays, and nothing is written twice."


def list_worker(
    graph: Graph, vault: Vault, *, clock: Callable[[], datetime], ring: Ring = nobody
) -> JobWorker:
    """Works off jobs about watchlists, one at a time."""

    async def do(job: Job, tell: Tell) -> Any:
        turn = Turn(graph, clock=clock)
        try:
            return await _publish(graph, vault, turn, job, tell=tell, clock=clock)
        finally:
            await turn.give_back()

    return JobWorker(vault, PUBLICATION, do, clock=clock, remedy=_AGAIN, ring=ring)


async def _publish(
    graph: Graph,
    vault: Vault,
    turn: Turn,
    job: Job,
    *,
    tell: Tell,
    clock: Callable[[], datetime],
) -> Ended:
    """Write what is missing and take back what is too much, until nothing has changed."""
    id = str(job.arguments["watchlist"])
    while True:
        # Who changes it afterwards makes another revision.
        told = (await watchlists.by_ids(vault, LOCAL, [id])).get(id)
        await _write(turn, await _changes(graph, vault, id, told, now=clock()), tell=tell)
        async with vault.together() as door:
            if await published_lists.settle(door, LOCAL, id, told=told):
                return Ended(await jobs.finish(door, LOCAL, job, now=clock()))


async def _changes(
    graph: Graph, vault: Vault, id: str, told: Watchlist | None, *, now: datetime
) -> list[Label]:
    entries = await published_lists.wallets(vault, LOCAL, id)
    standing = await labels.between(graph, *bounds_of(id))
    wanted = {} if told is None else {one.id: one for one in labels_of(told, entries, now=now)}
    too_much = [
        taken_back(label, at=now)
        for label, withdrawn_at in sorted(standing.items())
        if withdrawn_at is None and label not in wanted
    ]
    return [*too_much, *(label for key, label in wanted.items() if key not in standing)]


async def _write(turn: Turn, changes: Sequence[Label], *, tell: Tell) -> None:
    for begin in range(0, len(changes), _BATCH):
        await turn.write(changes[begin : begin + _BATCH])
        done = min(begin + _BATCH, len(changes))
        tell(done / len(changes), Note(done=done, total=len(changes), unit="labels"))
