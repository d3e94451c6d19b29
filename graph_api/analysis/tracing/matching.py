"""Which movements are the two sides of one exchange: swaps in a transaction, bridges over chains.

A match is evidence and no certainty; it carries a confidence and the reason for it.

A swap: a transaction with a DEX pool's Swap event in which, on balance, somebody who is no pool
gave one token and somebody got another one. That the payer got it himself is the surer case. Where
several tokens came back, as when liquidity is withdrawn, nothing is matched.

A bridge transfer: what reached a bridge, and what the same address received soon afterwards on
another chain, of a token that stands for the same asset, and not more of it. The fewer candidates
and the smaller the difference, the surer. Transfers to another address than the sender's are not
found: only the bridge's own messages could tell.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final

import msgspec

#: How long after its deposit a bridge may pay out, and what it may keep.
BRIDGE_TAKES: Final = timedelta(hours=2)
BRIDGE_KEEPS: Final = Fraction(2, 100)
_SAME_WALLET, _OTHER_WALLET = 0.95, 0.8
_FROM_A_BRIDGE, _FROM_ANYBODY = 0.9, 0.6


class CrossingKind(StrEnum):
    """How value went on as something else."""

    SWAP = "swap"
    BRIDGE = "bridge"


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A movement, as much of it as matching needs; ``units`` are whole units, where known."""

    id: str
    sender: str | None
    recipient: str
    token: str
    amount_raw: int
    at: datetime | None = None
    units: Fraction | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Movements that were paid, and those that were got for them."""

    kind: CrossingKind
    paid: tuple[str, ...]
    got: tuple[str, ...]
    confidence: float
    reason: str


def swaps(movements: Sequence[Moved], pools: Collection[str]) -> list[Match]:
    """What traders paid and got in one transaction that has Swap events of ``pools``."""
    nets = _nets(movements)
    traders = {wallet for wallet, _ in nets} - set(pools)
    gave = {
        wallet: [token for (who, token), net in nets.items() if who == wallet and net < 0]
        for wallet in traders
    }
    got = {
        wallet: [token for (who, token), net in nets.items() if who == wallet and net > 0]
        for wallet in traders
    }
    payers = sorted(wallet for wallet in traders if gave[wallet])
    receivers = sorted(wallet for wallet in traders if got[wallet] and not gave[wallet])
    found = []
    for payer in payers:
        if len(gave[payer]) == 1 and len(got[payer]) == 1:
            reason = "One wallet paid one token and got another in a transaction with a swap."
            found.append(
                _swap(movements, payer, payer, gave[payer][0], got[payer][0], _SAME_WALLET, reason)
            )
    if not found and len(payers) == len(receivers) == 1:
        (payer,), (receiver,) = payers, receivers
        tokens = gave[payer] + got[receiver]
        if len(tokens) == 2 and tokens[0] != tokens[1] and not got[payer]:
            reason = "One wallet paid and another one got in a transaction with a swap."
            found.append(
                _swap(movements, payer, receiver, tokens[0], tokens[1], _OTHER_WALLET, reason)
            )
    return found


def bridged(paid: Moved, candidates: Iterable[Moved], *, bridges: Collection[str]) -> Match | None:
    """The payout of a bridge that took ``paid``: of several, the nearest in amount, then in time.

    The candidates are receipts of the same address on other chains, of the same asset.
    """
    if paid.at is None or not paid.units:
        return None
    fits = [one for one in candidates if _fits(paid, one)]
    if not fits:
        return None
    best = min(fits, key=lambda one: (-(one.units or 0), one.at or paid.at, one.id))
    from_bridge = best.sender in bridges
    confidence = (_FROM_A_BRIDGE if from_bridge else _FROM_ANYBODY) / len(fits)
    came = "from a bridge" if from_bridge else "from a wallet that no label calls a bridge"
    others = "" if len(fits) == 1 else f"; {len(fits) - 1} other receipts fit as well"
    return Match(
        kind=CrossingKind.BRIDGE,
        paid=(paid.id,),
        got=(best.id,),
        confidence=round(confidence, 3),
        reason=f"The same address received as much of the same asset soon afterwards, {came}"
        f"{others}.",
    )


def _fits(paid: Moved, got: Moved) -> bool:
    if paid.at is None or got.at is None or paid.units is None or got.units is None:
        return False
    in_time = timedelta() <= got.at - paid.at <= BRIDGE_TAKES
    return in_time and paid.units * (1 - BRIDGE_KEEPS) <= got.units <= paid.units


def _nets(movements: Iterable[Moved]) -> dict[tuple[str, str], int]:
    nets: dict[tuple[str, str], int] = defaultdict(int)
    for one in movements:
        if one.sender is not None:
            nets[one.sender, one.token] -= one.amount_raw
        nets[one.recipient, one.token] += one.amount_raw
    return {key: net for key, net in nets.items() if net}


def _swap(
    movements: Sequence[Moved],
    payer: str,
    receiver: str,
    gave: str,
    got: str,
    confidence: float,
    reason: str,
) -> Match:
    return Match(
        kind=CrossingKind.SWAP,
        paid=tuple(one.id for one in movements if (one.sender, one.token) == (payer, gave)),
        got=tuple(one.id for one in movements if (one.recipient, one.token) == (receiver, got)),
        confidence=confidence,
        reason=reason,
    )
