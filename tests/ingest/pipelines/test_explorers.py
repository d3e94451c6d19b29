"""Histories that explorers tell: the same facts as a node's, page by page, through refusals."""

from collections.abc import Sequence
from typing import Any

import pytest

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput, UpstreamUnavailable
from graph_api.domain.ids import AccountId
from graph_api.domain.wallet_loads import Ended, Loaded, Part
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from ingest.pipelines.wallets import load_wallet
from ingest.sources.explorers.asking import Explorers
from ingest.sources.explorers.etherscan import EtherscanCoin, EtherscanTokens
from tests.conftest import empty
from tests.given import NOW, difference, snapshot
from tests.ingest.explorer import KEY, NOTHING, Explorer, exploring
from tests.ingest.pipelines.test_wallets import FRIENDS, busy, fill
from tests.ingest.sources.evm_chain import Chain
from tests.ingest.wallet_child import BUDGET

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]

ETHEREUM = chain_of("ethereum")
SOMEBODY = AccountId(f"eip155:1:{FRIENDS[0]}")


async def load(
    graph: Graph, explorer: Explorer, whose: AccountId, *, page: int = 1_000, **more: Any
) -> Loaded:
    """Read the whole history of ``whose`` from ``explorer``."""
    explorers = Explorers.open(ETHEREUM, explorer.url)
    sources = [
        EtherscanTokens(ETHEREUM, explorers, page=page),
        EtherscanCoin(ETHEREUM, explorers, page=page),
    ]
    try:
        return await load_wallet(
            graph,
            Turn(graph, clock=lambda: NOW),
            sources,
            whose,
            budget=BUDGET,
            clock=lambda: 0.0,
            **more,
        )
    finally:
        await explorers.close()


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An explorer on the loopback may be asked often."""
    monkeypatch.setattr("ingest.sources.explorers.asking._REQUESTS_PER_S", None)


@pytest.mark.usefixtures("unhurried")
async def test_an_explorer_tells_the_same_facts_as_the_blocks_whatever_its_pages(
    graph: Graph, chain: Chain
) -> None:
    purse = await chain.deploy("Purse")
    sent = chain.accounts[1]
    for value in (5, 7):
        await chain.pay(FRIENDS[0], value, by=1)
        await chain.call(purse, "split(address[])", [sent, FRIENDS[1]], value=4)
    whose = await busy(chain, times=3)
    height = await chain.height()

    async with exploring(chain.node) as explorer:
        loaded = await load(graph, explorer, whose)
        once = await snapshot(graph)
        await empty(graph)
        by_small_pages = await load(graph, explorer, whose, page=2)
        calls = len(explorer.asked)
    small = await snapshot(graph)
    await fill(graph, chain, 0, height)
    mixed = await described(graph)
    await empty(graph)
    await fill(graph, chain, 0, height)

    assert (loaded.ended, loaded.rejected) == (Ended.COMPLETE, 0)
    assert [part.part for part in loaded.parts] == [Part.TOKENS, Part.COIN]
    assert loaded.spent.requests < by_small_pages.spent.requests < calls
    assert difference(once, small) == ""
    assert difference(mixed, await described(graph)) == ""


async def described(graph: Graph) -> dict[str, Sequence[Any]]:
    """Everything but the supply of tokens, which explorers do not tell with transfers."""
    await graph.run_alone("MATCH (t:Token) REMOVE t.total_supply_raw RETURN count(t) AS tokens")
    return await snapshot(graph)


@pytest.mark.parametrize(
    "said",
    [
        {"status": "0", "message": "NOTOK", "result": "Max rate limit reached"},
        {"status": "0", "message": "Query Timeout occured.", "result": None},
    ],
)
@pytest.mark.usefixtures("unhurried")
async def test_what_passes_is_waited_for_though_it_comes_as_a_200(said: Any) -> None:
    async with exploring() as explorer:
        explorers = Explorers.open(ETHEREUM, explorer.url)
        explorer.says = [said, NOTHING, NOTHING]
        told = [one async for one in EtherscanCoin(ETHEREUM, explorers).told(SOMEBODY, 0, 9)]
        await explorers.close()

    assert [(one.first, one.last, one.records) for one in told] == [(0, 9, ())]
    assert len(explorer.asked) == 3


async def test_a_key_that_is_refused_is_said_and_not_repeated() -> None:
    async with exploring() as explorer:
        explorers = Explorers.open(ETHEREUM, explorer.url.replace(KEY, "another-key"))
        with pytest.raises(UpstreamUnavailable, match="Invalid API Key") as refused:
            await anext(EtherscanCoin(ETHEREUM, explorers).told(SOMEBODY, 0, 9))
        await explorers.close()

    assert "another-key" not in str(refused.value)


@pytest.mark.usefixtures("unhurried")
async def test_nothing_found_is_an_answer_and_internal_transfers_need_their_place() -> None:
    row = {
        "blockNumber": "7",
        "timeStamp": "1700000000",
        "hash": "0x" + "5" * 64,
        "from": FRIENDS[1],
        "to": FRIENDS[0],
        "value": "3",
        "isError": "0",
    }
    async with exploring() as explorer:
        explorers = Explorers.open(ETHEREUM, explorer.url)
        explorer.says = [NOTHING, {"status": "1", "message": "OK", "result": [row]}]
        found = [one async for one in EtherscanCoin(ETHEREUM, explorers).told(SOMEBODY, 0, 9)]
        await explorers.close()

    assert [(one.first, one.last, one.records) for one in found] == [(0, 9, ())]
    assert "without its place" in found[0].rejects[0].reason


def test_an_address_that_is_none_or_of_another_chain_is_refused() -> None:
    for address in ("explorer.example/api", "https://explorer.example/api?chainid=56"):
        with pytest.raises(BadInput):
            Explorers.open(ETHEREUM, address)
