"""Transaction graphs: every transaction of a wallet once, newest first, with all that it moved."""

import random
from typing import Any

import msgspec
import pytest

from graph_api.analysis import allocation
from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import AccountId, TransferId
from graph_api.domain.records import Transfer
from graph_api.services.transaction_graphs import drawing, listing
from graph_api.services.transaction_graphs.drawing import EdgeKind, TransactionGraph
from graph_api.services.transaction_graphs.listing import TransactionGraphQuestion
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from graph_api.store.transfers import Direction, TransferFilter
from tests import given
from tests.given import DAY, NOON, NOW, Ledger, transaction_id_of, wallet
from tests.services.tracing.test_coins import ALICE, BOB, chain, transaction

USD = given.erc20("USD")


async def drawn(graph: Graph, of: AccountId, **wishes: Any) -> TransactionGraph:
    question = TransactionGraphQuestion(wallet=of, **wishes)
    found = (await drawing.graphs(graph, [question], now=NOW))[question]
    if isinstance(found, GraphApiError):
        raise found
    return found


async def pages(graph: Graph, of: AccountId, **wishes: Any) -> list[TransactionGraph]:
    """All pages."""
    found = [await drawn(graph, of, **wishes)]
    while found[-1].end is not None:
        found.append(await drawn(graph, of, after=found[-1].end, **wishes))
    return found


def random_transfers(chance: random.Random) -> list[Transfer]:
    """Transactions of several transfers, several of them in a block, and rows without any."""
    made = []
    for number in range(60):
        block = number // 8
        made += [
            given.transfer(
                chance.choice("abc"), chance.choice("abcde"), tx=f"{number}",
                log=chance.randrange(1_000) * 10 + log, block=block, at=NOON + block * DAY,
                token=chance.choice((USD, None)), amount_raw=chance.choice((None, 7)),
            )
            for log in range(chance.choice((1, 2, 4)))
        ]  # fmt: skip
    return made


@pytest.mark.parametrize("seed", range(2))
async def test_pages_show_every_transaction_once_and_all_that_it_moved(
    ledger: Ledger, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    made = list({one.id: one for one in random_transfers(chance)}.values())
    await ledger.write(*made)
    monkeypatch.setattr(listing, "_PAGE", 5)

    cases: list[tuple[str, dict[str, Any]]] = [
        ("a", {}),
        ("d", {}),
        ("a", {"filter": TransferFilter(direction=Direction.OUT, token=USD)}),
        ("b", {"as_of": moment(NOON + 4 * DAY)}),
        ("b", {"as_of_block": 4}),
    ]
    for name, wishes in cases:
        first, most = chance.choice((1, 3, 10)), chance.choice((1, 50))
        found = await pages(ledger.graph, wallet(name), first=first, per_transaction=most, **wishes)

        asked = wishes.get("filter", TransferFilter())
        mine = [
            one
            for one in made
            if wallet(name) in (one.sender, one.recipient)
            and (asked.token is None or (one.token == USD and one.sender == wallet(name)))
            and ("filter" in wishes or not wishes or (one.block_number or 0) <= 4)
        ]
        shown = [node for page in found for node in page.transactions]
        expected = {one.transaction for one in mine}
        assert len(shown) == len(expected) > 5
        assert {node.transaction for node in shown} == expected
        blocks = [node.block_number or 0 for node in shown]
        assert blocks == sorted(blocks, reverse=True)
        assert all(len(page.transactions) == first for page in found[:-1])
        for page in found:
            halves = {edge.id for edge in page.edges}
            ids = {node.id for node in page.transactions}
            all_of = {one.id for one in made if one.transaction in ids}
            own = {one.id for one in mine if one.transaction in ids}
            of_edges = {edge.transfer for edge in page.edges}
            assert len(halves) == len(page.edges)
            assert of_edges == all_of if most == 50 else of_edges <= all_of
            if first == 10:
                assert own <= of_edges
            for edge in page.edges:
                sent = edge.kind is EdgeKind.SENT
                assert (edge.target if sent else edge.source) in ids
                assert (edge.source if sent else edge.target) in page.wallets
            assert not any(node.more for node in page.transactions) or most == 1
            assert page.as_of.block == (7 if not wishes or "filter" in wishes else 4)


async def test_rows_without_a_transaction_stand_for_themselves(ledger: Ledger) -> None:
    rows = [
        msgspec.structs.replace(
            given.transfer("a", "b", tx=f"{number}", block=None, at=None),
            id=TransferId(f"file:rows:{number}"),
            transaction=None,
        )
        for number in range(5)
    ]
    await ledger.write(*rows)

    found = await pages(ledger.graph, wallet("a"), first=2)

    shown = [node for page in found for node in page.transactions]
    assert sorted(node.id for node in shown) == [row.id for row in rows]
    assert {node.transaction for node in shown} == {None}
    assert len(found) == 3


async def test_coins_lead_from_transaction_to_transaction(ledger: Ledger) -> None:
    alices, bobs, sent, paid, on = chain()
    many = transaction(6, [(on, 0)], *((BOB, 1) for _ in range(19)), (ALICE, 1))
    loaded = [alices, bobs, sent, paid, on, many]
    await ledger.write(*loaded, *(row for one in loaded for row in allocation.transfers(one)))

    found = await drawn(ledger.graph, ALICE, per_transaction=2)

    assert [node.transaction for node in found.transactions] == [
        many.id, on.id, sent.id, alices.id
    ]  # fmt: skip
    assert [node.more for node in found.transactions] == [True, False, False, False]
    coins = {node.id: node for node in found.outputs}
    assert many.outputs[19].id in coins
    assert coins[alices.outputs[0].id].spent_by == sent.id
    assert coins[on.outputs[0].id].created_by == on.id
    assert coins[sent.outputs[0].id].spent_by == paid.id
    assert coins[paid.outputs[1].id].created_by == paid.id
    assert (coins[paid.outputs[1].id].owner, coins[many.outputs[0].id].spent_by) != (None, paid.id)
    edges = {(edge.source, edge.target): (edge.kind, edge.amount_raw) for edge in found.edges}
    assert edges[alices.outputs[0].id, sent.id] == (EdgeKind.SPENT, "30")
    assert edges[sent.id, sent.outputs[0].id] == (EdgeKind.CREATED, "29")
    assert found.wallets == []

    # As of block 3 nobody had spent what Bob got.
    then = await drawn(ledger.graph, BOB, as_of_block=3)
    assert {node.id: node.spent_by for node in then.outputs} == {
        alices.outputs[0].id: sent.id,
        bobs.outputs[0].id: None,
        sent.outputs[0].id: None,
    }


async def test_a_page_gives_up_in_time_and_is_gone_on_with(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_TRANSFERS", 30)
    monkeypatch.setattr(listing, "_PAGE", 10)
    await ledger.write(
        *(given.transfer("a", f"p{number}", tx="payroll", log=number) for number in range(100)),
        given.transfer("a", "b", tx="before", block=99),
    )

    found = await pages(ledger.graph, wallet("a"))

    assert found[0].stopped
    assert len(found) > 2
    shown = [node.transaction for page in found for node in page.transactions]
    assert shown[-1] == transaction_id_of("before")
    with pytest.raises(BadInput, match="not both"):
        await drawn(ledger.graph, wallet("a"), as_of=NOW, as_of_block=1)
    assert (await drawn(ledger.graph, wallet("nobody"))).transactions == []
