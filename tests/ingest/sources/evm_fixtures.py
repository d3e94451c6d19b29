"""A node for the tests of a module, each on a chain of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.ingest.sources.evm_chain import Chain
from tests.real.anvil import Anvil
from tests.real.available import Unavailable, skip


@pytest_asyncio.fixture
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    """A new chain; its node mines a block for each transaction."""
    try:
        async with Anvil(tmp_path_factory.mktemp("anvil")) as node:
            yield await Chain.on(node)
    except Unavailable as reason:
        skip(reason)
