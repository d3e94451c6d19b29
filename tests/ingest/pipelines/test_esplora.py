"""Bitcoin's addresses, looked up in an explorer: the same facts as the blocks of a node."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deskgraph.engines.ports import LOOPBACK
from graph_api.domain.chains import chain_of
from graph_api.domain.ids import account_id
from graph_api.domain.scripts import address_of_script
from graph_api.domain.wallet_loads import Budget, Ended, Loaded, Part
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from ingest.jobs.histories import Addresses, SourceMissing, history_sources
from ingest.jobs.nodes import nodes
from ingest.pipelines.spanning import backfill
from ingest.pipelines.wallets import load_wallet
from tests.conftest import empty
from tests.given import NOW, difference, snapshot
from tests.ingest.sources.bitcoin.chains import P2PKH, BitcoinNode, Made, Mined
from tests.ingest.sources.json_rpc import serving
from tests.ingest.wallet_child import BUDGET

BITCOIN = chain_of("bitcoin")
OTHERS = "76a914" + "22" * 20 + "88ac"
#: So many transactions make a page here.
PAGE = 3


class Esplora:
    """Answers of what ``node`` has."""

    def __init__(self, node: BitcoinNode) -> None:
        self._node = node
        self.asked: list[str] = []

    async def answer(self, request: Request) -> JSONResponse:
        """Answer one request."""
        path = request.url.path.removeprefix("/api")
        self.asked.append(path)
        parts = path.strip("/").split("/")
        if path == "/blocks/tip/height":
            return JSONResponse(max(self._node.blocks))
        if parts[-1] == "merkle-proof":
            block, place = self._place(parts[1])
            return JSONResponse({"block_height": block.height, "merkle": [], "pos": place})
        address, seen = parts[1], parts[4] if len(parts) > 4 else None
        found = self._of(address)
        txids = [one["txid"] for one in found]
        first = txids.index(seen) + 1 if seen else 0
        return JSONResponse(found[first : first + PAGE])

    def _of(self, address: str) -> list[dict[str, Any]]:
        return [
            self._told(block, made)
            for _, block in sorted(self._node.blocks.items(), reverse=True)
            for made in reversed(block.made)
            if address in {address_of_script(script) for script in self._scripts(made)}
        ]

    def _scripts(self, made: Made) -> list[str]:
        spent = [self._coin(txid, number)[1] for txid, number in made.spends]
        return [*spent, *(script for _, script in made.pays)]

    def _coin(self, txid: str, number: int) -> tuple[int, str]:
        return self._node._made(txid).pays[number]

    def _place(self, txid: str) -> tuple[Mined, int]:
        return next(
            (block, place)
            for block in self._node.blocks.values()
            for place, made in enumerate(block.made)
            if made.txid == txid
        )

    def _told(self, block: Mined, made: Made) -> dict[str, Any]:
        inputs: list[dict[str, Any]] = [
            {"txid": "0" * 64, "vout": 0xFFFFFFFF, "is_coinbase": True, "prevout": None}
        ]
        if made.spends:
            inputs = []
            for txid, number in made.spends:
                value, script = self._coin(txid, number)
                prevout = {"scriptpubkey": script, "value": value}
                inputs.append({"txid": txid, "vout": number, "prevout": prevout})
        return {
            "txid": made.txid,
            "vin": inputs,
            "vout": [{"scriptpubkey": script, "value": value} for value, script in made.pays],
            "status": {
                "confirmed": True,
                "block_height": block.height,
                "block_hash": block.hash,
                "block_time": block.time,
            },
        }


@asynccontextmanager
async def exploring(node: BitcoinNode) -> AsyncIterator[tuple[Esplora, str]]:
    """An explorer on a free port while the block lasts, and its address."""
    explorer = Esplora(node)
    app = Starlette(routes=[Route("/api/{rest:path}", explorer.answer)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    with socket.create_server((LOOPBACK, 0)) as listening:
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield explorer, f"http://{LOOPBACK}:{listening.getsockname()[1]}/api"
        finally:
            server.should_exit = True
            await running


def mined() -> BitcoinNode:
    """A chain on which somebody mines, pays, and is paid several times in a block."""
    node = BitcoinNode()
    funds = [node.grow().made[0] for _ in range(3)]
    node.grow(
        *(
            Made(((one.txid, 0),), ((1_000 + n, OTHERS), (500, P2PKH)))
            for n, one in enumerate(funds)
        )
    )
    for _ in range(10):
        node.grow(Made((), ((10, OTHERS),), note=len(node.blocks).to_bytes(4, "little")))
    return node


async def load(graph: Graph, url: str, script: str, budget: Budget = BUDGET) -> Loaded:
    """Read what the address of ``script`` took part in."""
    account = account_id(BITCOIN, address_of_script(script) or "")
    turn = Turn(graph, clock=lambda: NOW)
    async with history_sources(graph, BITCOIN, Addresses(explorers={"bitcoin": url})) as sources:
        return await load_wallet(graph, turn, sources, account, budget=budget, clock=lambda: 0.0)


async def fill(graph: Graph, node: BitcoinNode) -> None:
    """Load all blocks, as a follower reads them."""
    with serving(node) as front:
        async with nodes(graph, BITCOIN, front.url) as opened:
            turn = Turn(graph, clock=lambda: NOW)
            await backfill(graph, turn, opened.source, first=1, last=max(node.blocks))
            await turn.give_back()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An explorer on the loopback may be asked often."""
    monkeypatch.setattr("ingest.sources.explorers.esplora._REQUESTS_PER_S", None)


async def test_an_address_is_read_page_by_page_and_its_blocks_change_nothing(graph: Graph) -> None:
    node = mined()
    async with exploring(node) as (explorer, url):
        part = await load(graph, url, P2PKH, Budget(blocks=1, records=10, requests=99, seconds=9))
        whole = await load(graph, url, P2PKH)
        others = await load(graph, url, OTHERS)
    await fill(graph, node)
    mixed = await snapshot(graph)
    await empty(graph)
    await fill(graph, node)

    assert (part.ended, whole.ended, others.ended) == (
        Ended.BLOCKS,
        Ended.COMPLETE,
        Ended.COMPLETE,
    )
    assert whole.parts[0].part is Part.EVERYTHING
    assert part.written + whole.written > 0
    assert (whole.rejected, others.rejected) == (0, 0)
    assert any(path.endswith("merkle-proof") for path in explorer.asked)
    assert difference(mixed, await snapshot(graph)) == ""


async def test_a_chain_without_a_source_says_what_to_set() -> None:
    said, graph = {}, cast(Graph, None)
    for name in ("bitcoin", "solana", "polygon"):
        with pytest.raises(SourceMissing) as missing:
            async with history_sources(graph, chain_of(name), Addresses()):
                pass
        said[name] = f"{missing.value} {missing.value.remedy}"

    assert "DESKGRAPH_EXPLORERS__BITCOIN" in said["bitcoin"]
    assert "DESKGRAPH_NODES__SOLANA" in said["solana"]
    assert "DESKGRAPH_NODES__POLYGON" in said["polygon"]
