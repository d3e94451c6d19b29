"""Portfolios: both ways of reading them agree, and what they leave out is counted."""

import pytest

from graph_api.domain.errors import GraphApiError, TooCostly
from graph_api.domain.ids import TokenId
from graph_api.services import balances
from graph_api.services.balances import Portfolio
from graph_api.store.graph import Graph, moment
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
