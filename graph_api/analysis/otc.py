"""Which transfers are taken for OTC: those of desks, and those that are rarely as large.

- ``desk``: sender or recipient belongs to a desk, a market maker or a prop firm, and not both to
  the same one. Nothing that moves nothing counts.
- ``exchange``: besides, the same transaction moves another token the other way between the same two
  wallets: both legs of one deal.
- ``large``: it is worth at least the floor, and of the transfers of its token in the days before
  its own at most one in a thousand was as large (``sizes.rare_from``, for the rules as they are by
  default). What is minted or destroyed is no deal, nor is what comes back to its sender.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from graph_api.analysis.sizes import bucket_of, day_of
from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.otc import Reason, Rules


class Desk(NamedTuple):
    """Who deals: the id and type of an actor."""

    id: str
    type: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer, as far as it matters here; ``usd`` is None where nobody knows its price."""

    id: str
    transaction: str | None
    sender: str | None
    recipient: str
    token: str | None
    amount_raw: int | None
    usd: Decimal | None
    block_time: int | None

    @property
    def changes_hands(self) -> bool:
        """Whether something goes from one to another."""
        return bool(self.amount_raw) and self.sender not in (None, self.recipient)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Why a transfer is taken for OTC, who deals, and which transfer went the other way."""

    reasons: tuple[Reason, ...]
    desks: tuple[Desk, ...] = ()
    counter: str | None = None


def find(
    moves: Sequence[Moved],
    *,
    desks: Mapping[str, Desk],
    rare: Mapping[tuple[str, int], int | None],
    rules: Rules,
) -> dict[str, Found]:
    """What is OTC among ``moves``, which are all transfers of their blocks, by their ids.

    Args:
        desks: Whose wallets are whose.
        rare: For a token and a day the bucket from which on a size is rare then.
    """
    legs: dict[tuple[str | None, str | None, str], list[Moved]] = {}
    for move in moves:
        if move.transaction is not None and move.changes_hands:
            legs.setdefault((move.transaction, move.sender, move.recipient), []).append(move)
    found: dict[str, Found] = {}
    for move in moves:
        if not move.changes_hands:
            continue
        dealers = _dealers(move, desks)
        counter = _counter(move, legs) if dealers else None
        reasons = (
            *((Reason.DESK,) if dealers else ()),
            *((Reason.EXCHANGE,) if counter else ()),
            *((Reason.LARGE,) if _is_large(move, rare, rules) else ()),
        )
        if reasons:
            found[move.id] = Found(reasons=reasons, desks=dealers, counter=counter)
    return found


def _dealers(move: Moved, desks: Mapping[str, Desk]) -> tuple[Desk, ...]:
    sender, recipient = desks.get(move.sender or ""), desks.get(move.recipient)
    if sender is not None and recipient is not None and sender.id == recipient.id:
        return ()
    return tuple(desk for desk in (sender, recipient) if desk is not None)


def _counter(
    move: Moved, legs: Mapping[tuple[str | None, str | None, str], Sequence[Moved]]
) -> str | None:
    """The transfer of another token that went the other way in the same transaction."""
    others = legs.get((move.transaction, move.recipient, move.sender or ""), ())
    return next((other.id for other in others if other.token != move.token), None)


def _is_large(move: Moved, rare: Mapping[tuple[str, int], int | None], rules: Rules) -> bool:
    if move.usd is None or move.token is None or not move.amount_raw or move.block_time is None:
        return False
    if move.usd < rules.floor_usd or is_supply(move.sender, move.recipient):
        return False
    threshold = rare.get((move.token, day_of(move.block_time)))
    return threshold is not None and bucket_of(move.amount_raw) >= threshold


def is_supply(sender: str | None, recipient: str) -> bool:
    """Whether value comes into being or ends."""
    return sender is None or sender.endswith(ZERO_EVM) or recipient.endswith(ZERO_EVM)
