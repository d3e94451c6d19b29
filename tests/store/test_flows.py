"""Counterparties of a hub: what the threshold algorithm finds is what a full count finds."""

from collections import Counter

import pytest

from graph_api.domain.errors import GraphApiError, TooCostly
from graph_api.domain.ids import TokenId
from graph_api.store import flows
from graph_api.store.flows import CounterpartyRow, FlowDegree
from graph_api.store.graph import Graph
from graph_api.store.ledger.shelves import HUB_FLOWS
from graph_api.store.records import moment
from graph_api.store.transfers import Direction
from tests import given
from tests.given import NOON, Ledger, wallet
from tests.schema.asking import counted

HUB = wallet("hub")
USD, EUR = given.erc20("USD"), given.erc20("EUR")
PARTNERS = 1_500
#: Who sends to the hub and how often; everybody receives from it, the hundredth the most.
OUT = {number: 1 + (number % 100 == 0) * 3 + number % 3 for number in range(PARTNERS)}
BACK = {number: 1 + number % 4 for number in range(0, PARTNERS, 5)}


@pytest.fixture(scope="module")
def moves() -> list[tuple[str, str, TokenId, int]]:
    """Sender, recipient, token and time of each transfer of the hub."""
    out = [
        ("hub", f"p{number}", USD if number % 2 else EUR, NOON + number)
        for number, times in OUT.items()
        for _ in range(times)
    ]
    back = [
        (f"p{number}", "hub", USD if number % 2 else EUR, NOON + number)
        for number, times in BACK.items()
        for _ in range(times)
    ]
    return out + back


@pytest.fixture
async def hub(ledger: Ledger, moves: list[tuple[str, str, TokenId, int]]) -> Graph:
    """A graph with them."""
    records = [
        given.transfer(sender, recipient, tx=f"t{number // 50}", log=number, token=token, at=at)
        for number, (sender, recipient, token, at) in enumerate(moves)
    ]
    for start in range(0, len(records), 2_000):
        await ledger.write(*records[start : start + 2_000])
    return ledger.graph


async def degree(graph: Graph) -> FlowDegree:
    (row,) = await graph.run_alone(
        "MATCH (w:Wallet {id: $id}) RETURN w.flows_in AS flows_in, w.flows_out AS flows_out", id=HUB
    )
    return FlowDegree(HUB, row["flows_in"], row["flows_out"])


async def asked(graph: Graph, first: int, **wishes: object) -> list[CounterpartyRow]:
    hub = await degree(graph)
    found = (await flows.counterparties(graph, [hub], first=first, **wishes))[hub]  # type: ignore[arg-type]
    if isinstance(found, GraphApiError):
        raise found
    return found


async def test_the_busiest_of_a_hub_are_exact_and_found_without_reading_it(
    hub: Graph, moves: list[tuple[str, str, TokenId, int]]
) -> None:
    both: Counter[tuple[str, TokenId]] = Counter()
    out: Counter[tuple[str, TokenId]] = Counter()
    for sender, recipient, token, _ in moves:
        both[wallet(recipient if sender == "hub" else sender), token] += 1
        if sender == "hub":
            out[wallet(recipient), token] += 1
    assert (await degree(hub)).flows_out >= HUB_FLOWS

    for first in (1, 5, 60):
        with counted() as sent:
            rows = await asked(hub, first)
        most = [count for _, count in both.most_common(first)]
        assert [row.transfers for row in rows] == most
        assert all(both[row.counterparty, row.token] == row.transfers for row in rows)  # type: ignore[index]
        assert len({(row.counterparty, row.token) for row in rows}) == first
        # The hub's degree, and a page of one side, all of the other and the other way of each.
        assert len(sent) < 16

    rows = await asked(hub, 7, direction=Direction.OUT)
    assert [row.transfers for row in rows] == [count for _, count in out.most_common(7)]
    assert all(row.received is None for row in rows)


async def test_filters_of_a_hub_leave_out_flows_and_keep_the_order(
    hub: Graph, moves: list[tuple[str, str, TokenId, int]]
) -> None:
    since = NOON + 1_200
    wanted = Counter(
        wallet(recipient if sender == "hub" else sender)
        for sender, recipient, token, at in moves
        if token == EUR and at >= since
    )

    rows = await asked(hub, 9, token=EUR, since=moment(since))

    assert [row.transfers for row in rows] == [count for _, count in wanted.most_common(9)]
    assert {row.token for row in rows} == {EUR}


async def test_what_is_nowhere_to_be_found_is_empty_or_too_costly(
    hub: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await asked(hub, 5, token=given.erc20("none")) == []

    monkeypatch.setattr(flows, "HUB_BUDGET", 200)
    with pytest.raises(TooCostly, match="too many counterparties"):
        await asked(hub, 5, token=given.erc20("none"))


async def test_small_wallets_are_answered_together(hub: Graph) -> None:
    partners = [FlowDegree(wallet(f"p{number}"), 1, 1) for number in range(0, 50, 5)]

    with counted() as sent:
        found = await flows.counterparties(hub, partners, first=3)

    assert len(sent) == 1
    for number, partner in zip(range(0, 50, 5), partners, strict=True):
        rows = found[partner]
        assert isinstance(rows, list)
        (row,) = rows
        assert row.counterparty == HUB
        assert row.received is not None
        assert row.sent is not None
        assert (row.received.transfers, row.sent.transfers) == (OUT[number], BACK[number])
