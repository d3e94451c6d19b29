"""Histories of single wallets: whole, exact beside blocks that are followed, within a budget."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId
from graph_api.domain.pages import Page
from graph_api.domain.wallet_loads import Budget, Ended, Loaded, Part
from graph_api.store import histories, transfers
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.vault.engines import default_url
from graph_api.vault.vault import Vault
from ingest.jobs.histories import Addresses, history_sources
from ingest.jobs.nodes import nodes
from ingest.pipelines.spanning import backfill
from ingest.pipelines.wallets import load_wallet
from tests.conftest import empty
from tests.given import NOW, difference, snapshot
from tests.ingest.sources.evm_chain import Chain, account

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]

ETHEREUM = chain_of("ethereum")
PLENTY = Budget(blocks=10**9, records=10**9, requests=10**9, seconds=10**9)
FRIENDS = ["0x" + f"{number:02x}" * 20 for number in range(0xA1, 0xA6)]


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    async with await Vault.open(default_url(tmp_path)) as vault:
        await vault.migrate(now=NOW)
        yield vault


async def busy(chain: Chain, *, times: int = 6) -> AccountId:
    """The second account moves two tokens about; its chain is deep enough for all to be final."""
    whose = chain.accounts[1]
    coins = [
        await chain.deploy("Coin", ["string", "string", "uint256"], name, name[:3].upper(), 10**9)
        for name in ("First", "Second")
    ]
    for turn in range(times):
        coin = coins[turn % 2]
        await chain.call(coin, "transfer(address,uint256)", whose, 100 + turn)
        await chain.call(coin, "transfer(address,uint256)", FRIENDS[turn % 5], 10 + turn, by=1)
        # Others move tokens too; that is nobody's history here.
        await chain.call(coin, "transfer(address,uint256)", FRIENDS[0], 1)
    await chain.node.call("anvil_mine", hex(80))
    return account(whose)


def reports(into: list[Loaded]) -> Callable[[Loaded], None]:
    return into.append


async def load(graph: Graph, chain: Chain, whose: AccountId, **more: Any) -> Loaded:
    """Read the history of ``whose`` from the node of ``chain``."""
    turn = Turn(graph, clock=lambda: NOW)
    addresses = Addresses(nodes={"ethereum": chain.node.url})
    async with history_sources(graph, ETHEREUM, addresses) as sources:
        given: dict[str, Any] = {"budget": PLENTY, "clock": lambda: 0.0, **more}
        return await load_wallet(graph, turn, sources, whose, **given)


async def fill(graph: Graph, chain: Chain, first: int, last: int) -> None:
    """Load the blocks ``first..last`` whole, as a follower reads them."""
    async with nodes(graph, ETHEREUM, chain.node.url) as opened:
        turn = Turn(graph, clock=lambda: NOW)
        await backfill(graph, turn, opened.source, first=first, last=last)
        await turn.give_back()


async def test_a_wallet_is_read_whole_and_blocks_that_are_loaded_too_change_nothing(
    graph: Graph, chain: Chain
) -> None:
    whose = await busy(chain)
    height = await chain.height()

    first = await load(graph, chain, whose)
    again = await load(graph, chain, whose)
    page = Page(size=50)
    found = (await transfers.of_wallets(graph, [whose], page=page))[whose].rows
    await fill(graph, chain, 0, height)
    mixed = await snapshot(graph)

    assert (first.ended, first.rejected) == (Ended.COMPLETE, 0)
    (part,) = first.parts
    assert (part.part, part.first, part.last) == (Part.TOKENS, 0, first.total - 1)
    assert sorted(int(row.amount_raw or 0) for row in found) == [*range(10, 16), *range(100, 106)]
    assert all(row.block_time is not None and row.amount is not None for row in found)
    assert (again.ended, again.written, again.total) == (Ended.COMPLETE, 0, 0)
    (read,) = (await histories.of_wallets(graph, [whose]))[whose]
    assert (read.spans, read.done) == ([(0, part.last)], True)

    await empty(graph)
    await fill(graph, chain, 0, height)
    assert difference(mixed, await snapshot(graph)) == ""
