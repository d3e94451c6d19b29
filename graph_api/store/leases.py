"""One writer at a time: leases with a fencing token that every writing transaction checks.

A lease is named by what its holder may write: a chain, ``actors``, or a dataset's checkpoint.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.store.graph import Graph, Writing
from graph_api.store.holders import is_gone

#: The lease of what no chain owns: descriptions of actors.
ACTORS: Final = "actors"
_DATASET: Final = "dataset:"


class LeaseLost(GraphApiError):
    """Another writer has taken over; nothing of the running batch was written."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to write what ``name`` stands for, until it expires or somebody takes it over."""

    name: str
    holder: str
    token: int


def of_dataset(checkpoint: str) -> str:
    """The name of the lease to load the dataset of ``checkpoint``."""
    return _DATASET + checkpoint


def in_order(names: Iterable[str]) -> list[str]:
    """The order in which everybody takes leases, so that no two wait for each other."""
    return sorted(set(names), key=lambda name: (name.startswith(_DATASET), name))


async def take(
    graph: Graph, name: str, *, holder: str, now: datetime, lasts: timedelta
) -> Lease | None:
    """The lease ``name``, or None while somebody else holds it.

    It is free when it was given back, when it expired, and when the process that held it on this
    machine is gone.
    """

    async def work(writing: Writing) -> Lease | None:
        gone = None
        for row in await writing.run("ledger/known_lease", lease=name, holder=holder, now=now):
            if not is_gone(row["other"]):
                return None
            gone = row["other"]
        await writing.run("ledger/lock_lease", lease=name)
        rows = await writing.run(
            "ledger/take_lease", lease=name, holder=holder, gone=gone, now=now, until=now + lasts
        )
        return Lease(name=name, holder=holder, token=rows[0]["token"]) if rows else None

    return await graph.write(work)


async def keep(writing: Writing, held: Sequence[Lease], *, now: datetime, lasts: timedelta) -> None:
    """Prolong leases inside a writing transaction, which also locks them for it.

    Raises: LeaseLost when a token is not the newest any more.
    """
    rows = await writing.run(
        "ledger/keep_leases",
        leases=[{"name": lease.name, "token": lease.token} for lease in held],
        until=now + lasts,
    )
    lost = {lease.name for lease in held} - {row["name"] for row in rows}
    if lost:
        raise LeaseLost(
            f"Another process took over writing {min(lost)}; run the same command again to go on."
        )


async def release(graph: Graph, lease: Lease) -> None:
    """Let the next writer in at once."""

    async def work(writing: Writing) -> None:
        await writing.run("ledger/lock_lease", lease=lease.name)
        await writing.run("ledger/release_lease", lease=lease.name, token=lease.token)

    await graph.write(work)
