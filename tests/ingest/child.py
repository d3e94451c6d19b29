"""``ingest load`` without the rest of the launcher: a process that starts fast, to be killed.

At its end it says how much memory it had at most.
"""

import atexit
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graph_api.settings import Settings
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from ingest.jobs import commands
from ingest.jobs.interrupts import Interrupted


@asynccontextmanager
async def door(settings: Settings) -> AsyncIterator[Graph]:
    """The graph of the settings, at whatever schema."""
    given = settings.neo4j
    assert given.url is not None
    assert given.password is not None
    address = GraphAddress(
        url=given.url,
        user=given.user,
        password=given.password.get_secret_value(),
        database=given.database,
    )
    graph = await Graph.open(address)
    try:
        yield graph
    finally:
        await graph.close()


def tell_peak() -> None:
    """The most memory that this process had, as a line of JSON."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stderr.write(f'{{"peak_kb": {peak}}}\n')


if __name__ == "__main__":
    atexit.register(tell_peak)
    try:
        commands.group(door)(obj=Settings())
    except Interrupted as interrupted:
        sys.exit(interrupted.code)
