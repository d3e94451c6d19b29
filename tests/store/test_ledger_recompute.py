"""What is derived can be worked out again from the facts, and put right when it is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from graph_api.domain.chains import CHAINS
from graph_api.domain.ids import AccountId, ChainId, TransactionId, output_id
from graph_api.domain.records import Output, Spend, UtxoTransaction
from graph_api.store.graph import Graph
from graph_api.store.ledger import mending
from graph_api.store.ledger.differences import Difference
from graph_api.store.ledger.recompute import Recount
from graph_api.store.ledger.turn import Turn
from tests import given
from tests.given import BITCOIN, NOON, NOW, Ledger, difference, snapshot
from tests.ingest.export import export, written
from tests.ingest.loading import loaded

#: One statement for every kind of harm, and what is said of it.
HARM: Final = (
    ("MATCH (f:Flow) WITH f LIMIT 1 SET f.amount_raw = '7'", "amount_raw is 7, should be"),
    ("MATCH (f:Flow) WITH f LIMIT 2 SET f.transfers = 99, f.first_at = 5", "first_at is 5"),
    (
        "MATCH (f:Flow) WITH f LIMIT 1 MATCH (:Wallet)-[r:FLOWED {id: f.id}]->() DELETE r "
        "DETACH DELETE f",
        "is missing",
    ),
    ("MATCH (h:Holding) WITH h LIMIT 1 SET h.received_raw = '1'", "received_raw is 1, should be"),
    (
        "MATCH (h:Holding) WITH h LIMIT 1 MATCH (:Wallet)-[r:HOLDS {id: h.id}]->() DELETE r, h",
        "is missing",
    ),
    (
        "MATCH (a:Wallet), (t:Token) WITH a, t LIMIT 1 CREATE (a)-[:HOLDS {id: 'x'}]->(t), "
        "(:Holding {id: 'x', wallet: a.id, token: t.id, received_raw: '1', sent_raw: '0', "
        "transfers: 1, uncounted: 0})",
        "should not be",
    ),
    ("MATCH (w:Wallet) WITH w LIMIT 3 SET w.transfers_in = 77, w.newest = null", "transfers_in"),
    ("MATCH (w:Wallet) WITH w LIMIT 3 SET w.flows_out = 5000", "flows_out is 5000"),
    ("MATCH (t:Token) SET t.holders = 0, t.transfers = 1", "holders is 0"),
    ("MATCH (c:Chain) SET c.wallets = 1, c.untimed = 12, c.last_block = 3", "untimed is 12"),
)


@pytest.fixture
def spool(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A new empty folder, each time."""
    return lambda: tmp_path_factory.mktemp("spool")


async def wrong(graph: Graph, folder: Path) -> list[Difference]:
    return [one async for one in Recount(graph, folder).differences()]


async def mended(graph: Graph, folder: Path) -> int:
    turn = Turn(graph, clock=lambda: NOW)
    await turn.hold(chain.id for chain in CHAINS)
    count = await mending.mend(turn, Recount(graph, folder).differences())
    await turn.give_back()
    return count


async def economy(graph: Graph, folder: Path) -> None:
    """An export with an unnamed amount, a late failure and facts without a time."""
    tables = export(21, transactions=30)
    tables["blocks"] = tables["blocks"][2:]
    written(folder / "data", tables)
    await loaded(graph, folder / "data", rejects=folder / "r", batch=13)
    async with Ledger.open(graph) as ledger:
        await ledger.write(
            given.transfer("alice", "desk", amount_raw=None, tx="x"),
            given.transfer("alice", "alice", amount_raw=5, tx="y", token=given.erc20("new")),
            given.transfer("alice", "desk", token=None, amount_raw=None, tx="z", at=None),
        )
        await ledger.write(*coins())


def coins() -> list[UtxoTransaction]:
    """A coinbase, and a payment of it with change."""
    alice, bob = (AccountId(f"{BITCOIN.id}:{name}") for name in ("1Alice", "1Bob"))

    def transaction(number: int, inputs: tuple[Spend, ...], *owners: AccountId) -> UtxoTransaction:
        identity = TransactionId(f"{BITCOIN.id}:{number:064x}")
        outputs = tuple(
            Output(id=output_id(identity, place), owner=owner, amount_raw=25 * 10**8)
            for place, owner in enumerate(owners)
        )
        return UtxoTransaction(
            id=identity,
            chain=ChainId(BITCOIN.id),
            hash=f"{number:064x}",
            block_number=number,
            block_time=NOON + number,
            index=0,
            coinbase=not inputs,
            inputs=inputs,
            outputs=outputs,
        )

    first = transaction(1, (), alice, alice)
    spends = tuple(
        Spend(output=one.id, owner=alice, amount_raw=one.amount_raw) for one in first.outputs
    )
    return [first, transaction(2, spends, bob, alice)]


async def test_every_harm_to_what_is_derived_is_found_and_mended(
    graph: Graph, tmp_path: Path, spool: Callable[[], Path]
) -> None:
    await economy(graph, tmp_path)
    assert list(map(str, await wrong(graph, spool()))) == []
    sound = await snapshot(graph)

    for harm, words in HARM:
        await graph.run_alone(harm)
        found = list(map(str, await wrong(graph, spool())))
        assert any(words in one for one in found), (harm, found)

    assert await mended(graph, spool()) >= len(HARM)
    assert difference(sound, await snapshot(graph)) == ""
    assert await wrong(graph, spool()) == []
