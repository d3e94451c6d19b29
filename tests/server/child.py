"""The small schema in a process of its own; ``python -m tests.server.child``.

It writes its address and ``entered`` (a slow query runs) to standard output, and lets slow queries
go on when a line comes in.
"""

import sys

from graph_api.domain.errors import GraphApiError
from graph_api.server.workers import serve
from graph_api.settings import Settings
from tests.server.piped import piped


def main() -> None:
    try:
        serve(piped, Settings(), announce=lambda address: print(address, flush=True))
    except GraphApiError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
