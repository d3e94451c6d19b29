"""``python -m ingest``: ingestion alone, on the graph that settings name."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.settings import Settings
from graph_api.store import migrations
from graph_api.store.graph import Graph
from ingest.jobs import commands
from ingest.jobs.interrupts import Interrupted


@asynccontextmanager
async def named_graph(settings: Settings) -> AsyncIterator[Graph]:
    """The graph of ``DESKGRAPH_NEO4J__URL``. Raises: BadInput when none is set."""
    address = settings.neo4j.address
    if address is None:
        raise BadInput(
            "Ingestion needs a graph: set DESKGRAPH_NEO4J__URL, or use `deskgraph ingest`, which "
            "starts one."
        )
    graph = await Graph.open(
        address,
        pool_size=settings.neo4j.pool_size,
        query_timeout_s=settings.neo4j.query_timeout_s,
        reader=settings.neo4j.reader,
    )
    try:
        await migrations.require_current(graph)
        yield graph
    finally:
        await graph.close()


def main() -> None:
    """Run the command; an error is one sentence on standard error and exit code 2."""
    try:
        commands.group(named_graph)(obj=Settings(), standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        sys.exit(interrupted.code)
    except GraphApiError as error:
        print(f"deskgraph: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
