"""Portfolios: both ways of reading them agree, and what they leave out is counted."""

from datetime import timedelta

import pytest

from graph_api.domain.errors import BadInput, GraphApiError, TooCostly
from graph_api.domain.ids import TokenId, chain_id_of
from graph_api.services import balances
from graph_api.services.balances import Portfolio
from graph_api.store import blocks
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from tests import given
from tests.given import DAY, NOON, NOW, Ledger, wallet

HUB = wallet("hub")
USD, EUR = given.erc20("USD"), given.erc20("EUR")


def net(portfolio: Portfolio) -> dict[TokenId, tuple[int, int, int]]:
    return {
        one.token: (one.received_raw, one.sent_raw, one.transfers) for one in portfolio.positions
    }


@pytest.fixture
async def busy(ledger: Ledger) -> Graph:
    """A wallet with forty movements, one a day, some to itself."""
    await ledger.write(
        *(
            given.transfer(
                "hub" if number % 3 else f"w{number}",
                "hub" if number % 7 == 0 or number % 3 == 0 else f"w{number}",
                tx=f"t{number}",
                log=number,
                token=USD if number % 2 else EUR,
                amount_raw=2**70 + number,
                block=100 + number,
                at=NOON + number * DAY,
            )
            for number in range(40)
        )
    )
    return ledger.graph


async def as_of(graph: Graph, at: int) -> Portfolio:
    found = (await balances.portfolios(graph, [HUB], now=NOW, as_of=moment(at)))[HUB]
    if isinstance(found, GraphApiError):
        raise found
    return found


@pytest.mark.parametrize("day", [26, 30, 39, 60])
async def test_summing_up_and_taking_back_agree(
    busy: Graph, monkeypatch: pytest.MonkeyPatch, day: int
) -> None:
    summed = await as_of(busy, NOON + day * DAY)

    # Too few for what moved before, enough for what moved since: that is taken back from now.
    monkeypatch.setattr(balances, "MOST_MOVES", 25)
    taken_back = await as_of(busy, NOON + day * DAY)

    assert net(taken_back) == net(summed)
    assert sum(one.transfers for one in summed.positions) == min(day + 1, 40)


async def test_too_much_on_both_sides_is_refused(
    busy: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balances, "MOST_MOVES", 5)

    with pytest.raises(TooCostly, match="moved more than 5 times"):
        await as_of(busy, NOON + 20 * DAY)


async def test_the_end_of_time_is_now(busy: Graph) -> None:
    later = await as_of(busy, NOON + 4_000 * DAY)
    held = await balances.balances(busy, [HUB], first=10)

    assert later.as_of == NOW
    assert net(later) == {
        one.token: (one.received_raw, one.sent_raw, one.transfers) for one in held[HUB]
    }


async def test_what_has_no_time_or_amount_is_left_out_and_counted(
    ledger: Ledger, graph: Graph
) -> None:
    await ledger.write(
        given.transfer("a", "hub", log=1, token=USD, amount_raw=5),
        given.transfer("a", "hub", log=2, token=USD, amount_raw=7, block=None, at=None),
        given.transfer("a", "hub", log=3, token=USD, amount_raw=None),
        given.transfer("a", "hub", log=4, token=USD, amount_raw=11, block=None, at=NOON),
    )

    (one,) = (await as_of(graph, NOON + DAY)).positions

    assert one.net_raw == 16
    assert one.coverage.complete is False
    assert (one.coverage.uncounted, one.coverage.undated) == (1, 1)


@pytest.mark.parametrize("missing", ["time", "token", "time and token"])
async def test_nothing_is_told_of_a_wallet_whose_movements_lack_time_or_token(
    ledger: Ledger, graph: Graph, missing: str
) -> None:
    at = None if "time" in missing else NOON
    token = None if "token" in missing else USD
    rows = [
        given.transfer("a", "hub", log=log, token=token, amount_raw=None, block=None, at=at)
        for log in (1, 2)
    ]
    await ledger.write(*rows, given.transfer("a", "b", log=3))

    with pytest.raises(BadInput, match=r"^No movement of \S+ by then has both a known time and"):
        await as_of(graph, NOON + DAY)

    # One movement that tells both is enough, and the others are counted beside it.
    await ledger.write(given.transfer("a", "hub", log=4, token=USD, amount_raw=5))
    (one,) = (await as_of(graph, NOON + DAY)).positions
    assert one.net_raw == 5


async def test_a_window_of_time_is_refused_where_no_time_is_known(
    ledger: Ledger, graph: Graph
) -> None:
    chain = chain_id_of(HUB)
    week = Window(since=NOW - timedelta(days=7))
    assert await blocks.spans(graph, [chain], week)
    await ledger.write(given.transfer("a", "hub", block=None, at=None))

    with pytest.raises(BadInput, match=r"^Nothing that is loaded of Ethereum has a known time; "):
        await blocks.spans(graph, [chain], week)
    assert await blocks.spans(graph, [chain], Window(from_block=5))

    await ledger.write(given.transfer("a", "hub", log=1))
    assert await blocks.spans(graph, [chain], week)
