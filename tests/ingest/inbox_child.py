"""A worker of the inbox in a process of its own, to be killed between two of its steps.

``python -m tests.ingest.inbox_child VAULT STEPS NOW``: it asks for the time at each step. After
STEPS of them it says so and waits for its end; it says "done" when nothing is left to do.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from graph_api.settings import Settings
from graph_api.vault.vault import Vault
from ingest.pipelines.inbox import Worker
from tests.ingest.child import door


async def main() -> None:
    left, now = int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]).astimezone(UTC)

    def clock() -> datetime:
        nonlocal left
        left -= 1
        if left < 0:
            print("stopped", flush=True)
            sys.stdin.read()
        return now

    async with door(Settings()) as graph, await Vault.open(sys.argv[1]) as vault:
        await Worker(graph, vault, clock=clock, lease=timedelta(hours=1)).drain()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
