"""A process that sends notices, to be killed at any moment.

``python -m tests.ingest.notices.sender_child VAULT KEY BEGAN``: it sends what is due to webhooks on
this machine, for ever. From BEGAN on its time passes ``FASTER``, for waiting alone.
"""

import asyncio
import sys
from datetime import UTC, datetime

from graph_api.domain.targets import reach_of
from graph_api.vault.sealing import Seal
from graph_api.vault.vault import Vault
from ingest.pipelines.noticing import Noticer, Sender
from ingest.providers.posting import Limits, Poster

FASTER = 30


def _now() -> datetime:
    return datetime.now(UTC)


async def main() -> None:
    url, key, began_text = sys.argv[1:]
    began = datetime.fromisoformat(began_text)

    def clock() -> datetime:
        return began + FASTER * (_now() - began)

    limits = Limits(silence_s=0.5, whole_s=0.5, answer_s=0.1)
    sender = Sender(Poster(reach_of(["127.0.0.0/8"]), clock=_now, limits=limits), clock=_now)
    async with await Vault.open(url) as vault:
        noticer = Noticer(vault, sender, seal=Seal.of(key), clock=clock, random=lambda: 0.0)
        print("ready", flush=True)
        await noticer.run()


if __name__ == "__main__":
    asyncio.run(main())
