"""Which movements are the two sides of one exchange: swaps in a transaction, bridges over chains.

A match is evidence and no certainty; it carries a confidence and the reason for it.

A swap: a transaction with a DEX pool's Swap event, or one in which a contract issues or redeems
shares of itself, in which on balance somebody who is no pool gave tokens and somebody got others.
That the payer got them himself is the surer case. What is traced of a token that was given goes on
in all that were got, in proportion; of several that were given each has a share by its worth, which
somebody else has to say.

A bridge transfer: what reached a bridge, and what the same address received soon afterwards on
another chain, of a token that stands for the same asset, and not more of it. The fewer candidates
and the smaller the difference, the surer; what a bridge pays comes before what others pay. The same
backwards, from what was received to what had reached a bridge. Transfers to another address than
the sender's are not found: only the bridge's own messages could tell.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
#: How sure shares by worth are, beside a crossing of one token.
_BY_WORTH: Final = 0.9


class CrossingKind(StrEnum):
    """How value went on as something else."""

    SWAP = "swap"
    BRIDGE = "bridge"


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A movement, as much of it as matching needs; ``units`` are whole units, where known.

    Nobody sends what comes into being, and nobody receives what ceases to be.
    """

    id: str
    sender: str | None
    recipient: str | None
    token: str
    amount_raw: int
    at: datetime | None = None
    units: Fraction | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Movements that were paid, and those that were got for them.

    ``worths`` of their tokens are beside each other's, where these decide which share each has.
    """

    kind: CrossingKind
    paid: tuple[str, ...]
    got: tuple[str, ...]
    confidence: float
    reason: str
    worths: Mapping[str, Fraction] = {}

    def by_worth(self, worths: Mapping[str, Fraction]) -> "Match":
        """The same, with shares by what tokens were worth."""
        return msgspec.structs.replace(
            self,
            worths=worths,
            confidence=round(self.confidence * _BY_WORTH, 3),
            reason=f"{self.reason} Several tokens share by what they cost then.",
        )


def swaps(
    movements: Sequence[Moved], pools: Collection[str], *, first: Sequence[str] = ()
) -> list[Match]:
    """What traders paid and got in one transaction in which ``pools`` trade.

    Who only passes value on may look like a trader too: of two whose trades are made of the same
    movements the one counts who stands further in front among ``first``.
    """
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
    places = {wallet: place for place, wallet in enumerate(first)}
    payers = sorted(
        (wallet for wallet in traders if gave[wallet]),
        key=lambda wallet: (places.get(wallet, len(places)), wallet),
    )
    receivers = sorted(wallet for wallet in traders if got[wallet] and not gave[wallet])
    found: list[Match] = []
    for payer in payers:
        if got[payer]:
            reason = (
                f"One wallet paid {_count(gave[payer])} and got {_count(got[payer])} in a swap."
            )
            match = _swap(
                movements, (payer, gave[payer]), (payer, got[payer]), _SAME_WALLET, reason
            )
            if not any(_clash(match, other) for other in found):
                found.append(match)
    if not found and len(payers) == len(receivers) == 1:
        (payer,), (receiver,) = payers, receivers
        if set(gave[payer]).isdisjoint(got[receiver]):
            reason = (
                f"One wallet paid {_count(gave[payer])} and another one got "
                f"{_count(got[receiver])} in a swap."
            )
            found.append(
                _swap(
                    movements,
                    (payer, gave[payer]),
                    (receiver, got[receiver]),
                    _OTHER_WALLET,
                    reason,
                )
            )
    return found


def issuers(movements: Iterable[Moved], contracts: Mapping[str, str]) -> set[str]:
    """Contracts that issue or redeem shares of themselves in one transaction, and are paid or pay.

    ``contracts`` names the contract of each token, as a wallet.
    """
    some = list(movements)
    made = {contracts.get(one.token) for one in some if None in (one.sender, one.recipient)}
    partners = {
        wallet
        for one in some
        for wallet in (one.sender, one.recipient)
        if wallet != contracts.get(one.token)
    }
    return {one for one in made & partners if one is not None}


def bridged(paid: Moved, candidates: Iterable[Moved], *, bridges: Collection[str]) -> Match | None:
    """The payout of a bridge that took ``paid``: of several, the nearest in amount, then in time.

    The candidates are receipts of the same address on other chains, of the same asset.
    """
    if paid.at is None or not paid.units:
        return None
    fits = [one for one in candidates if _fits(paid, one)]
    if not fits:
        return None
    best = min(
        fits,
        key=lambda one: (one.sender not in bridges, -(one.units or 0), one.at or paid.at, one.id),
    )
    return _bridge(paid, best, from_bridge=best.sender in bridges, fits=len(fits))


def bridged_back(
    got: Moved, candidates: Iterable[Moved], *, bridges: Collection[str]
) -> Match | None:
    """What had reached a bridge before it paid ``got``: of several, the nearest in amount, then in
    time.

    The candidates are payments of the same address into bridges on other chains, of the same asset.
    """
    fits = [one for one in candidates if _fits(one, got)]
    if not fits:
        return None
    best = min(fits, key=lambda one: (one.units or 0, -_seconds(one), one.id))
    return _bridge(best, got, from_bridge=got.sender in bridges, fits=len(fits))


def _bridge(paid: Moved, got: Moved, *, from_bridge: bool, fits: int) -> Match:
    confidence = (_FROM_A_BRIDGE if from_bridge else _FROM_ANYBODY) / fits
    came = "from a bridge" if from_bridge else "from a wallet that no label calls a bridge"
    others = "" if fits == 1 else f"; {fits - 1} other transfers fit as well"
    return Match(
        kind=CrossingKind.BRIDGE,
        paid=(paid.id,),
        got=(got.id,),
        confidence=round(confidence, 3),
        reason=f"The same address received as much of the same asset soon afterwards, {came}"
        f"{others}.",
    )


def _seconds(one: Moved) -> float:
    return 0.0 if one.at is None else one.at.timestamp()


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
        if one.recipient is not None:
            nets[one.recipient, one.token] += one.amount_raw
    return {key: net for key, net in nets.items() if net}


def _swap(
    movements: Sequence[Moved],
    gave: tuple[str, Collection[str]],
    got: tuple[str, Collection[str]],
    confidence: float,
    reason: str,
) -> Match:
    (payer, given), (receiver, gotten) = gave, got
    return Match(
        kind=CrossingKind.SWAP,
        paid=tuple(one.id for one in movements if one.sender == payer and one.token in given),
        got=tuple(one.id for one in movements if one.recipient == receiver and one.token in gotten),
        confidence=confidence,
        reason=reason,
    )


def _clash(one: Match, other: Match) -> bool:
    """Whether what one of them got the other one paid."""
    return not (set(one.paid).isdisjoint(other.got) and set(one.got).isdisjoint(other.paid))


def _count(tokens: Collection[str]) -> str:
    return "one token" if len(tokens) == 1 else f"{len(tokens)} tokens"
