"""A process that judges events, to be killed: ``python -m tests.alerts.child VAULT BUS``."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.services.alerting import PRICE_TOLERANCE, Judge
from graph_api.services.events import KeptPast, Outbox
from graph_api.settings import Settings
from graph_api.vault.vault import Vault
from ingest.pipelines.judging import JudgingWork
from tests.ingest.child import door


def now() -> datetime:
    return datetime.now(UTC)


async def main() -> None:
    async with door(Settings()) as graph, await Vault.open(sys.argv[1]) as vault:
        bus = await Bus.connect(sys.argv[2], timeout_s=2.0)
        work = JudgingWork(
            Judge(graph, vault, clock=now, tolerance=PRICE_TOLERANCE),
            vault,
            Streams(bus),
            past=KeptPast(Outbox(graph)),
            clock=now,
            lasts=timedelta(seconds=1),
            batch=3,
            pause_s=0.05,
        )
        print("judging", flush=True)
        await work.run()


if __name__ == "__main__":
    asyncio.run(main())
