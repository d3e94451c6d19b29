"""``python -m graph_api``: the API alone, on the graph, vault and bus that settings name.

With ``--while-stdin`` it stops when its standard input is closed: whoever starts it so is not
outlived by it, however its own end came.
"""

import argparse
import asyncio
import sys

from graph_api.domain.errors import GraphApiError
from graph_api.server.main import application, preflight
from graph_api.server.serving import stop_when_closed
from graph_api.server.workers import serve
from graph_api.settings import Settings


def main() -> None:
    """Serve until stopped; a start that cannot be is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m graph_api", description=__doc__)
    parser.add_argument("--while-stdin", action="store_true", help="stop when it is closed")
    if parser.parse_args().while_stdin:
        stop_when_closed(sys.stdin.fileno())
    try:
        settings = Settings()
        asyncio.run(preflight(settings))
        serve(
            application,
            settings,
            announce=lambda address: print(f"Deskgraph answers at {address}/graphql", flush=True),
        )
    except GraphApiError as error:
        print(f"deskgraph: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
