"""A worker of wallets in a process of its own, to be killed between two of its steps.

``python -m tests.ingest.wallet_child VAULT NODE STEPS [CHAIN]``: it looks at its watch around each
step. After STEPS looks it says so and waits for its end; it says "done" when its job has ended.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from graph_api.domain.wallet_loads import Budget
from graph_api.settings import Settings
from graph_api.vault.vault import Vault
from ingest.jobs.histories import Addresses
from ingest.jobs.wallets import WalletWork
from tests.ingest.child import door

SPAN = 4
BUDGET = Budget(blocks=10**9, records=10**9, requests=10**9, seconds=10**9)


async def main() -> None:
    left = int(sys.argv[3])
    chain = sys.argv[4] if len(sys.argv) > 4 else "ethereum"

    def seconds() -> float:
        nonlocal left
        left -= 1
        if left < 0:
            print("stopped", flush=True)
            sys.stdin.read()
        return 0.0

    async with door(Settings()) as graph, await Vault.open(sys.argv[1]) as vault:
        work = WalletWork(addresses=Addresses(nodes={chain: sys.argv[2]}), budget=BUDGET)
        worker = work.worker(
            graph,
            vault,
            clock=lambda: datetime.now(UTC),
            seconds=seconds,
            lease=timedelta(milliseconds=1),
            tell_every_s=0.01,
            span=SPAN,
        )
        await worker.once()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
