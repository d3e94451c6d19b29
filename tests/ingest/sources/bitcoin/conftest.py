"""Sources over nodes that are served on loopback."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack

import httpx
import pytest
import pytest_asyncio

from graph_api.domain.chains import chain_of
from graph_api.domain.records import UtxoTransaction
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.bitcoin.source import BitcoinSource
from ingest.sources.chain import BlockFacts
from tests.ingest.sources.bitcoin.chains import BitcoinNode
from tests.ingest.sources.json_rpc import Answers, Front, serving

BITCOIN = chain_of("bitcoin")
NOON = 1_700_007_200


@pytest.fixture
def node() -> BitcoinNode:
    return BitcoinNode()


@pytest_asyncio.fixture
async def source_of() -> AsyncIterator[Callable[..., BitcoinSource]]:
    """Makes sources over nodes; the first of them is asked first."""
    with ExitStack() as stack:
        opened: list[BitcoinSource] = []

        def make(*nodes: Answers, fronts: list[Front] | None = None) -> BitcoinSource:
            served = [stack.enter_context(serving(node)) for node in nodes]
            if fronts is not None:
                fronts += served
            pool = Endpoints(
                "bitcoin",
                [
                    EndpointSettings(url=front.url, name=f"node-{at}", tier=at)
                    for at, front in enumerate(served)
                ],
                client=httpx.AsyncClient(verify=False),
                clock=lambda: 0.0,
                sleep=lambda _: asyncio.sleep(0),
                random=random.Random(7),
            )
            opened.append(BitcoinSource(BITCOIN, pool, now=lambda: float(NOON)))
            return opened[-1]

        yield make
        for source in opened:
            await source.close()


async def read(source: BitcoinSource, first: int, last: int) -> list[BlockFacts]:
    return [facts async for facts in source.blocks(first, last)]


def transactions(found: list[BlockFacts]) -> list[UtxoTransaction]:
    return [r for facts in found for r in facts.records if isinstance(r, UtxoTransaction)]
