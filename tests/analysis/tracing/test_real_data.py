"""The first payment between two people, followed through all of Bitcoin's first year.

Block 170 spends the 50 BTC that block 9 had made: 10 BTC to Hal Finney, 40 back. The second ways
that have to agree are written here: reachability for poison, shares by recursion for haircut, and
for FIFO every unspent coin of the year walked back by itself, interval by interval.
"""

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from graph_api.analysis.tracing.coins import (
    CoinSeeds,
    RationalHaircut,
    Spending,
    follow_coins,
    follow_coins_back,
)
from graph_api.analysis.tracing.pieces import NONE, Fate
from graph_api.analysis.tracing.policies import Policy
from tests.analysis.tracing.test_accounts import CONSERVING, total, where

FOLDER = os.environ.get("DESKGRAPH_DATA")
DATA = Path(FOLDER or ".") / "btc_2009"
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="DESKGRAPH_DATA names no folder of real data; these tests read it"
)

BTC = 100_000_000
#: The coin that the first payment spends, and what it makes: to Hal Finney, and back.
SEED, TO_HAL, BACK = 90, 1710, 1711


class Year:
    """All transactions of 2009 in their order, satoshi of each coin, and which coins were spent."""

    def __init__(self, spendings: list[Spending]) -> None:
        self.spendings = spendings
        self.amounts = {coin: raw or 0 for one in spendings for coin, raw in one.outputs}
        self.spent = {coin for one in spendings for coin, _ in one.inputs}


@pytest.fixture(scope="module")
def year() -> Year:
    """Read without the code under test; two outputs are listed twice and are one."""
    outputs: dict[int, dict[int, int]] = defaultdict(dict)
    for row in rows("tx_output"):
        outputs[int(row["tx_index"])][int(row["output_index"])] = int(row["output_value"])
    inputs: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
    for row in rows("tx_input"):
        inputs[int(row["tx_index"])].append((int(row["output_index"]), int(row["input_value"])))
    order = sorted(outputs, key=lambda transaction: (heights()[transaction], transaction))
    return Year([Spending(inputs[one], sorted(outputs[one].items())) for one in order])


def rows(table: str) -> Iterator[dict[str, str]]:
    """The rows of a table."""
    with gzip.open(DATA / f"{table}.csv.gz", "rt", newline="") as file:
        yield from csv.DictReader(file)


@cache
def heights() -> dict[int, int]:
    """The block of each transaction."""
    return {int(row["tx_index"]): int(row["block_index"]) for row in rows("tx_height")}


def seeds(year: Year, coin: int = SEED) -> CoinSeeds:
    return CoinSeeds(coins={coin: year.amounts[coin]})


def reachable(year: Year) -> set[int]:
    """Coins that have anything of the seed in them."""
    found = {SEED}
    for one in year.spendings:
        if any(coin in found for coin, _ in one.inputs):
            found.update(coin for coin, _ in one.outputs)
    return found


def proportions(year: Year) -> dict[int, Fraction]:
    """How much of the seed is in each coin, in proportion."""
    held = {SEED: Fraction(year.amounts[SEED])}
    for one in year.spendings:
        traced = sum((held.pop(coin, Fraction(0)) for coin, _ in one.inputs), Fraction(0))
        whole = sum(raw or 0 for _, raw in one.inputs)
        if traced:
            held |= {coin: traced * (raw or 0) / whole for coin, raw in one.outputs}
    return {coin: share for coin, share in held.items() if share}


def walked_back(year: Year) -> dict[int, int]:
    """Of each unspent coin, how many of its satoshi are the seed's, first in, first out."""
    maker = {coin: one for one in year.spendings for coin, _ in one.outputs}

    def of_seed(coin: int, begin: int, end: int) -> int:
        if coin == SEED:
            return end - begin
        one, offset = maker[coin], 0
        for other, raw in one.outputs:
            if other == coin:
                break
            offset += raw or 0
        found = at = 0
        for spent, raw in one.inputs:
            first, last = max(begin + offset, at), min(end + offset, at + (raw or 0))
            if first < last:
                found += of_seed(spent, first - at, last - at)
            at += raw or 0
        return found

    unspent = {coin: raw for coin, raw in year.amounts.items() if coin not in year.spent and raw}
    counted = {coin: of_seed(coin, 0, raw) for coin, raw in unspent.items()}
    return {coin: raw for coin, raw in counted.items() if raw}


def held(year: Year, policy: Policy) -> dict[int, object]:
    """What of the seed is in each coin at the end of the year."""
    found = where(follow_coins(year.spendings, seeds(year), policy=policy))
    return {coin: raw for (coin, fate), raw in found.items() if fate is Fate.HELD}


def test_fifo_agrees_with_every_unspent_coin_walked_back(year: Year) -> None:
    assert held(year, Policy.FIFO) == walked_back(year)


def test_haircut_agrees_with_shares_by_recursion_and_poison_with_what_can_be_reached(
    year: Year,
) -> None:
    exact = where(follow_coins(year.spendings, seeds(year), policy=RationalHaircut))
    shares = {coin: raw for (coin, fate), raw in exact.items() if fate is Fate.HELD}

    assert shares == proportions(year)
    assert held(year, Policy.POISON).keys() == {
        coin for coin in reachable(year) - year.spent if year.amounts[coin]
    }
    rounded = held(year, Policy.HAIRCUT)
    assert all(
        abs(Fraction(str(rounded.get(coin, 0))) - share) < 20 for coin, share in shares.items()
    )


def test_nothing_of_the_fifty_is_lost_under_any_policy(year: Year) -> None:
    reach = {}
    for policy in CONSERVING:
        found = follow_coins(year.spendings, seeds(year), policy=policy)
        assert total(found.ends) == found.seed_raw == 50 * BTC
        reach[policy] = {piece.place for piece in found.pieces if piece.place != NONE}
    assert {TO_HAL, BACK} <= reach[Policy.FIFO]
    for policy in (Policy.FIFO, Policy.LIFO, Policy.TIHO):
        assert reach[policy] <= reach[Policy.HAIRCUT] <= reachable(year)


def test_the_ten_that_were_paid_lead_back_to_the_ninth_block(year: Year) -> None:
    found = follow_coins_back(year.spendings, seeds(year, TO_HAL), policy=Policy.FIFO)

    assert where(found) == {(NONE, Fate.ISSUED): 10 * BTC}
    issued = next(end.piece for end in found.ends)
    assert [found.pieces[piece].place for piece in found.pieces.path(issued)] == [
        TO_HAL,
        SEED,
        NONE,
    ]
