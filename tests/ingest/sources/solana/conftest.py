"""Sources over nodes that are served on loopback."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest_asyncio

from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.solana.source import SolanaSettings, SolanaSource
from tests.ingest.sources.json_rpc import Answers, serving
from tests.ingest.sources.solana.reading import SOLANA
from tests.ingest.sources.solana.validator import FIRST_TIME


@pytest_asyncio.fixture
async def source_of() -> AsyncIterator[Callable[..., SolanaSource]]:
    """Makes sources over nodes; the first of them is asked first."""
    with ExitStack() as stack:
        opened: list[SolanaSource] = []

        def make(*nodes: Answers, **settings: Any) -> SolanaSource:
            served = [stack.enter_context(serving(node)) for node in nodes]
            pool = Endpoints(
                "solana",
                [
                    EndpointSettings(url=front.url, name=f"node-{at}", tier=at)
                    for at, front in enumerate(served)
                ],
                client=httpx.AsyncClient(verify=False),
                clock=lambda: 0.0,
                sleep=lambda _: asyncio.sleep(0),
                random=random.Random(7),
            )
            opened.append(
                SolanaSource(
                    SOLANA,
                    pool,
                    now=lambda: FIRST_TIME + 100.0,
                    settings=SolanaSettings(**settings),
                )
            )
            return opened[-1]

        yield make
        for source in opened:
            await source.close()
