"""Pages of long lists: every way to cut one gives the same rows, filters included."""

import random

import pytest

from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.pages import Page, Slice
from graph_api.store import transfers
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from graph_api.store.transfers import (
    Direction,
    TransferFilter,
    TransferQuestion,
    TransferRow,
)
from tests import given
from tests.given import ETHEREUM, NOON, Ledger, wallet
from tests.schema.asking import counted

HUB = wallet("hub")
USD, EUR = given.erc20("USD"), given.erc20("EUR")
HUGE = 2**70


@pytest.fixture
async def hub(ledger: Ledger) -> Graph:
    """A wallet with 900 transfers in 300 blocks, some without a block or to itself."""
    rows = []
    for number in range(900):
        sender, recipient = ("hub", f"w{number % 40}") if number % 3 else (f"w{number % 7}", "hub")
        if number % 100 == 99:
            sender = recipient = "hub"
        timed = number % 90 != 0
        rows.append(
            given.transfer(
                sender,
                recipient,
                tx=f"t{number // 2}",
                log=number,
                token=USD if number % 5 else EUR,
                amount_raw=HUGE + number,
                block=100 + number // 3 if timed else None,
                at=NOON + (number // 3) * 12_000,
            )
        )
    random.Random(7).shuffle(rows)
    for start in range(0, len(rows), 300):
        await ledger.write(*rows[start : start + 300])
    return ledger.graph


async def everything(graph: Graph, where: str) -> list[str]:
    rows = await graph.run_alone(
        f"MATCH (t:Transfer) WHERE {where} RETURN t.id AS id, t.order_key AS key"
    )
    return [row["id"] for row in sorted(rows, key=lambda row: row["key"])]


async def walked(graph: Graph, asked: TransferFilter, *, size: int, backward: bool) -> list[str]:
    """All ids of the hub's list, page by page."""
    found: list[str] = []
    place: str | None = None
    while True:
        page = (
            Page(size=size, before=place, backward=True)
            if backward
            else Page(size=size, after=place)
        )
        part = (await transfers.of_wallets(graph, [HUB], filter=asked, page=page))[HUB]
        ids = [str(row.id) for row in part.rows]
        assert len(ids) <= size
        found = ids + found if backward else found + ids
        if not (part.more_before if backward else part.more_after):
            return found
        edge = part.places[0 if backward else -1] if part.places else None
        place = part.stopped_at or edge
        assert place is not None


CASES = {
    "all": (TransferFilter(), f"t.sender = '{HUB}' OR t.recipient = '{HUB}'"),
    "in": (TransferFilter(direction=Direction.IN), f"t.recipient = '{HUB}'"),
    "out": (TransferFilter(direction=Direction.OUT), f"t.sender = '{HUB}'"),
    "rare": (
        TransferFilter(token=EUR, direction=Direction.IN),
        f"t.recipient = '{HUB}' AND t.token = '{EUR}'",
    ),
    "amount": (
        TransferFilter(min_raw=HUGE + 95, max_raw=HUGE + 105),
        f"(t.sender = '{HUB}' OR t.recipient = '{HUB}') AND t.amount_raw >= '{HUGE + 95}' "
        f"AND t.amount_raw <= '{HUGE + 105}'",
    ),
    "party": (
        TransferFilter(party=wallet("w3")),
        f"(t.sender = '{HUB}' AND t.recipient = '{wallet('w3')}') "
        f"OR (t.sender = '{wallet('w3')}' AND t.recipient = '{HUB}')",
    ),
    "time": (
        TransferFilter(
            window=Window(since=moment(NOON + 1_000_000), until=moment(NOON + 1_500_000))
        ),
        f"(t.sender = '{HUB}' OR t.recipient = '{HUB}') AND t.block_time >= {NOON + 1_000_000} "
        f"AND t.block_time <= {NOON + 1_500_000}",
    ),
    "blocks": (
        TransferFilter(window=Window(from_block=150, to_block=160)),
        f"(t.sender = '{HUB}' OR t.recipient = '{HUB}') AND t.block_number >= 150 "
        "AND t.block_number <= 160",
    ),
}


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("case", CASES)
async def test_pages_of_any_size_add_up_to_the_list(hub: Graph, case: str, backward: bool) -> None:
    asked, where = CASES[case]
    wanted = await everything(hub, where)
    assert wanted

    for size in (7, 500) if case != "all" else (3, 101, 1000):
        assert await walked(hub, asked, size=size, backward=backward) == wanted


async def test_a_first_page_is_one_statement_for_any_number_of_wallets(hub: Graph) -> None:
    owners = [HUB, *(wallet(f"w{number}") for number in range(40)), wallet("nobody")]

    with counted() as sent:
        found = await transfers.of_wallets(hub, owners, page=Page(size=5))

    assert len(sent) == 1
    assert found[wallet("nobody")] == Slice(rows=[], places=[])
    for owner in owners:
        wanted = await everything(hub, f"t.sender = '{owner}' OR t.recipient = '{owner}'")
        assert [row.id for row in found[owner].rows] == wanted[:5]
        assert found[owner].more_after == (len(wanted) > 5)


async def test_a_page_from_the_end_of_a_long_list_stays_small(hub: Graph) -> None:
    page = Page(size=10, backward=True)

    with counted() as sent:
        found = (await transfers.of_wallets(hub, [HUB], page=page))[HUB]

    assert len(found.rows) == 10
    assert len(sent) < 12


async def found_by(graph: Graph, question: TransferQuestion) -> list[TransferRow]:
    page = Page(size=1000)
    return list((await transfers.search(graph, [question], page=page))[question].rows)


async def test_the_shorter_list_answers_and_says_the_same(hub: Graph) -> None:
    asked = TransferFilter(token=EUR, direction=Direction.OUT)
    whole = await found_by(hub, TransferQuestion(wallet=HUB, filter=asked))
    small = await found_by(hub, TransferQuestion(wallet=AccountId(wallet("w1")), filter=asked))

    assert [row.id for row in whole] == await everything(
        hub, f"t.sender = '{HUB}' AND t.token = '{EUR}'"
    )
    assert [row.id for row in small] == await everything(
        hub, f"t.sender = '{wallet('w1')}' AND t.token = '{EUR}'"
    )


async def test_lists_of_a_token_and_of_a_chain(hub: Graph) -> None:
    of_token = await found_by(hub, TransferQuestion(filter=TransferFilter(token=EUR)))
    of_chain = await found_by(hub, TransferQuestion(chain=ChainId(ETHEREUM.id)))

    assert [row.id for row in of_token] == await everything(hub, f"t.token = '{EUR}'")
    assert [row.id for row in of_chain] == await everything(hub, "t.chain IS NOT NULL")
