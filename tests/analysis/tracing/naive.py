"""The policies once more, unit by unit: slow, short, and written without the code under test.

A unit is True while it is traced. A place is a list of units, the one that was received first
standing first.
"""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

from graph_api.analysis.tracing.coins import Spending
from graph_api.analysis.tracing.moves import Moves
from graph_api.analysis.tracing.pieces import NONE
from graph_api.analysis.tracing.policies import Policy


def shortfalls(moves: Moves) -> dict[int, int]:
    """What each place must have had at first."""
    balances: dict[int, int] = defaultdict(int)
    missing: dict[int, int] = defaultdict(int)
    for sender, recipient, amount in zip(
        moves.senders, moves.recipients, moves.amounts, strict=True
    ):
        balances[sender] -= amount
        missing[sender] = max(missing[sender], -balances[sender])
        balances[recipient] += amount
    return missing


def units(moves: Moves, seed: int, policy: Policy) -> dict[int, list[bool]]:
    """What every place holds at the end, under FIFO or LIFO; fees are in the place ``NONE``."""
    held: dict[int, list[bool]] = defaultdict(list)
    for place, missing in shortfalls(moves).items():
        held[place] = [False] * missing
    fees: list[bool] = []
    for event, amount in enumerate(moves.amounts):
        sender, recipient = moves.senders[event], moves.recipients[event]
        moved = []
        for _ in range(amount):
            if sender == NONE:
                moved.append(False)
            else:
                moved.append(held[sender].pop(0 if policy is Policy.FIFO else -1))
        if event == seed:
            moved = [True] * amount
        (fees if recipient == NONE else held[recipient]).extend(moved)
    return {**{place: one for place, one in held.items() if place != NONE}, NONE: fees}


def shares(moves: Moves, seed: int) -> dict[int, Fraction]:
    """What is traced of every place at the end, under haircut without rounding."""
    traced: dict[int, Fraction] = defaultdict(Fraction)
    balances: dict[int, int] = defaultdict(int, shortfalls(moves))
    for event, amount in enumerate(moves.amounts):
        sender, recipient = moves.senders[event], moves.recipients[event]
        if not amount:
            continue
        part = Fraction(0)
        if sender != NONE:
            part = traced[sender] * Fraction(amount, balances[sender])
        traced[sender] -= part
        balances[sender] -= amount
        if event == seed:
            part = Fraction(amount)
        traced[recipient] += part
        balances[recipient] += amount
    return traced


def coin_units(spendings: Sequence[Spending], seed: int, policy: Policy) -> dict[int, list[bool]]:
    """The units of every unspent coin, under FIFO or LIFO; fees are in the coin ``NONE``."""
    coins: dict[int, list[bool]] = {NONE: []}
    for inputs, outputs in spendings:
        units = [unit for coin, _ in inputs for unit in coins.pop(coin)]
        if policy is Policy.LIFO:
            units.reverse()
        if not inputs:
            units = [False] * sum(raw or 0 for _, raw in outputs)
        for coin, raw in outputs:
            units, coins[coin] = units[raw or 0 :], units[: raw or 0]
            if coin == seed:
                coins[coin] = [True] * len(coins[coin])
        coins[NONE] += units
    return coins
