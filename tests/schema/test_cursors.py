"""Lists that are read while somebody writes: no row comes twice, none that was there is missed."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any, Final

import pytest

from graph_api.domain.records import Transfer
from graph_api.store.graph import Graph
from tests import given
from tests.given import DAY, NOON, Ledger, erc20, wallet
from tests.schema.asking import ask

TOKEN: Final = erc20("USD")
BEFORE: Final = 60
BESIDE: Final = 60
FIELDS: Final = "nodes { transferId blockNumber } pageInfo { %s } "
#: Where the list is in an answer, and the query for a page of it.
LISTS: Final = {
    "of a wallet": (
        ("wallet", "transfers"),
        f'{{ wallet(by: {{accountId: "{wallet("hub")}"}}) {{ transfers(PAGE) {{ ROWS }} }} }}',
    ),
    "of a chain": (("transfers",), '{ transfers(chain: "ethereum", PAGE) { ROWS } }'),
    "of a token": (
        ("transfers",),
        f'{{ transfers(filter: {{token: "{TOKEN}"}}, PAGE) {{ ROWS }} }}',
    ),
    "in a window": (
        ("wallet", "transfers"),
        f'{{ wallet(by: {{accountId: "{wallet("hub")}"}}) {{ transfers('
        'filter: {since: "2000-01-01T00:00:00Z"}, PAGE) { ROWS } } }',
    ),
}


def movement(number: int, *, random: Random) -> Transfer:
    """A transfer to or from the hub, somewhere among the others."""
    block = random.randrange(50)
    parties = ("hub", f"w{number}") if random.random() < 0.5 else (f"w{number}", "hub")
    return given.transfer(
        *parties, tx=f"t{number}", log=number, token=TOKEN, block=block, at=NOON + block * DAY
    )


async def pages(graph: Graph, name: str, *, backward: bool) -> AsyncIterator[list[Any]]:
    """Every page of a list, from one end to the other."""
    where, query = LISTS[name]
    more, edge = ("hasPreviousPage", "startCursor") if backward else ("hasNextPage", "endCursor")
    rows = FIELDS % f"{more} {edge}"
    place: str | None = None
    while True:
        window = "last: 4" if backward else "first: 4"
        if place is not None:
            window += f', {"before" if backward else "after"}: "{place}"'
        found = await ask(graph, query.replace("PAGE", window).replace("ROWS", rows))
        for step in where:
            found = found[step]
        yield found["nodes"]
        if not found["pageInfo"][more]:
            return
        place = found["pageInfo"][edge]


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("name", LISTS)
async def test_a_walk_beside_a_writer_misses_nothing_and_repeats_nothing(
    ledger: Ledger, graph: Graph, name: str, backward: bool
) -> None:
    random = Random(f"{name} {backward}")
    first = [movement(number, random=random) for number in range(BEFORE)]
    await ledger.write(*first)
    late = [movement(number, random=random) for number in range(BEFORE, BEFORE + BESIDE)]
    walking = asyncio.Event()

    async def write() -> None:
        await walking.wait()
        for transfer in late:
            await ledger.write(transfer)

    writing = asyncio.create_task(write())
    seen: list[tuple[str, int]] = []
    async for nodes in pages(graph, name, backward=backward):
        walking.set()
        rows = [(node["transferId"], node["blockNumber"]) for node in nodes]
        seen = rows + seen if backward else seen + rows
    await writing

    ids = [identity for identity, _ in seen]
    assert len(ids) == len(set(ids))
    assert {transfer.id for transfer in first} <= set(ids)
    assert set(ids) <= {transfer.id for transfer in [*first, *late]}
    blocks = [block for _, block in seen]
    assert blocks == sorted(blocks, reverse=True)
    # Afterwards a walk finds everything.
    again = [
        node["transferId"]
        async for nodes in pages(graph, name, backward=backward)
        for node in nodes
    ]
    assert sorted(again) == sorted(transfer.id for transfer in [*first, *late])
