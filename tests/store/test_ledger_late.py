"""Facts that come before the time of their block get it, and are found by the index."""

from collections.abc import Iterable

import neo4j
import pytest

from cypher import statement
from graph_api.domain.ids import ChainId
from graph_api.domain.records import Approval, Block, Record, Swap
from graph_api.store.graph import Graph
from tests import given
from tests.given import Ledger, wallet

CHAIN = ChainId(given.ETHEREUM.id)
BY_RANGE = ("NodeIndexRangeScan", "NodeIndexSeekByRange")


def approval(tx: str, *, block: int) -> Approval:
    transaction = given.transaction_id_of(tx)
    return Approval(
        id=f"{transaction}:log:1",
        chain=CHAIN,
        transaction=transaction,
        token=given.erc20("USD"),
        owner=wallet("alice"),
        spender=wallet("router"),
        amount_raw=5,
        block_number=block,
        block_time=None,
    )


def swap(tx: str, *, block: int) -> Swap:
    transaction = given.transaction_id_of(tx)
    return Swap(
        id=f"{transaction}:log:2",
        chain=CHAIN,
        transaction=transaction,
        protocol="uniswap_v2",
        pool=wallet("pool"),
        sender=wallet("router"),
        recipient=wallet("alice"),
        amount0_raw=5,
        amount1_raw=-7,
        block_number=block,
        block_time=None,
    )


async def times(graph: Graph, label: str) -> dict[int, int | None]:
    rows = await graph.run_alone(
        f"MATCH (e:{label}) RETURN e.block_number AS number, e.block_time AS time"
    )
    return {row["number"]: row["time"] for row in rows}


async def seen(graph: Graph, names: Iterable[str]) -> list[tuple[int | None, int | None]]:
    found = await graph.run_alone(
        "MATCH (w:Wallet) RETURN w.id AS id, w.first_seen_at AS first, w.last_seen_at AS last"
    )
    by_id = {row["id"]: (row["first"], row["last"]) for row in found}
    return [by_id[wallet(name)] for name in names]


async def test_approvals_and_swaps_get_the_times_of_their_own_blocks(ledger: Ledger) -> None:
    events: list[Record] = []
    for number in (100, 101, 103):
        events += [approval(f"a{number}", block=number), swap(f"s{number}", block=number)]
    await ledger.write(*events)

    await ledger.write(
        *(Block(chain=CHAIN, number=number, time=given.NOON + number) for number in (100, 101, 102))
    )

    dated = {100: given.NOON + 100, 101: given.NOON + 101, 103: None}
    assert await times(ledger.graph, "Approval") == dated
    assert await times(ledger.graph, "Swap") == dated
    first_and_last = (given.NOON + 100, given.NOON + 101)
    assert await seen(ledger.graph, ["alice", "pool"]) == [first_and_last, first_and_last]


@pytest.mark.parametrize("name", ["untimed_transfers", "untimed_transactions", "untimed_events"])
async def test_what_waits_for_its_time_is_found_by_the_range_of_its_blocks(
    graph: Graph, name: str
) -> None:
    address = graph.address
    async with (
        neo4j.AsyncGraphDatabase.driver(
            address.url, auth=(address.user, address.password)
        ) as driver,
        driver.session(database=address.database) as session,
    ):
        text = statement(f"ledger/{name}", graph.engine)
        result = await session.run(f"EXPLAIN {text}", {"low": "a", "high": "b"})
        plan = str((await result.consume()).plan)

    assert any(operator in plan for operator in BY_RANGE), plan
