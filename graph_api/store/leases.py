"""One writer per chain: leases with a fencing token that every writing transaction checks."""

from datetime import datetime, timedelta

import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.store.graph import Graph, Writing


class LeaseLost(GraphApiError):
    """Another writer has taken the chain over; nothing of the running batch was written."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to write ``chain`` until it expires or somebody else gets a higher token."""

    chain: str
    holder: str
    token: int


async def take(
    graph: Graph, chain: str, *, holder: str, now: datetime, lasts: timedelta
) -> Lease | None:
    """The lease of ``chain``, or None while another holder's has not expired."""

    async def work(writing: Writing) -> Lease | None:
        rows = await writing.run(
            "ledger/take_lease", chain=chain, holder=holder, now=now, until=now + lasts
        )
        return Lease(chain=chain, holder=holder, token=rows[0]["token"]) if rows else None

    return await graph.write(work)


async def keep(writing: Writing, lease: Lease, *, now: datetime, lasts: timedelta) -> None:
    """Prolong ``lease`` inside a writing transaction, which also locks the chain for it.

    Raises: LeaseLost when the token is not the newest any more.
    """
    rows = await writing.run(
        "ledger/keep_lease", chain=lease.chain, token=lease.token, until=now + lasts
    )
    if not rows:
        raise LeaseLost(
            f"Another process took over writing {lease.chain}; run the same command again to go on."
        )


async def release(graph: Graph, lease: Lease) -> None:
    """Let the next writer in at once."""

    async def work(writing: Writing) -> None:
        await writing.run("ledger/release_lease", chain=lease.chain, token=lease.token)

    await graph.write(work)
