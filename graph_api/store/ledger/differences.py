"""What is derived and differs from what the facts say."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from graph_api.store.graph import Row
from graph_api.store.ledger.spool import Item
from graph_api.store.ledger.states import (
    ChainState,
    FlowState,
    HoldingState,
    TokenState,
    WalletState,
)

State = FlowState | HoldingState | WalletState | TokenState | ChainState
Kept = TypeVar("Kept", FlowState, HoldingState, WalletState, TokenState, ChainState)

#: What is derived of each kind, and therefore compared and mended.
DERIVED: Final[dict[type[State], tuple[str, ...]]] = {
    FlowState: ("transfers", "amount_raw", "first_at", "last_at", "usd_micros", "priced"),
    HoldingState: (
        "received_raw",
        "sent_raw",
        "transfers",
        "uncounted",
        "first_at",
        "last_at",
        "since_block",
    ),
    WalletState: (
        "first_seen_at",
        "last_seen_at",
        "transfers_in",
        "transfers_out",
        "flows_in",
        "flows_out",
        "newest",
    ),
    TokenState: ("transfers", "holders", "unscaled"),
    ChainState: (
        "blocks",
        "transactions",
        "transfers",
        "wallets",
        "untimed",
        "first_block",
        "last_block",
        "first_at",
        "last_at",
    ),
}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something derived that is not what the facts say; None where it is, or should be, missing."""

    kind: str
    id: str
    kept: State | None
    right: State | None

    def __str__(self) -> str:
        if self.kept is None or self.right is None:
            return f"{self.kind} {self.id} {'is missing' if self.right else 'should not be'}"
        kept, right = self.kept, self.right
        wrong = (
            f"{name} is {getattr(kept, name)}, should be {getattr(right, name)}"
            for name in DERIVED[type(right)]
            if getattr(kept, name) != getattr(right, name)
        )
        return f"{self.kind} {self.id}: {'; '.join(wrong)}"


def differences(kind: str, right: dict[str, Kept], kept: dict[str, Kept]) -> Iterator[Difference]:
    """Where ``kept`` differs from what is ``right``, by id."""
    for key in sorted(right.keys() | kept.keys()):
        one, other = kept.get(key), right.get(key)
        if one is None or other is None or _derived(one) != _derived(other):
            yield Difference(kind=kind, id=key, kept=one, right=other)


def packed(difference: Difference) -> Item:
    """A difference as it can be put aside on disk."""
    return difference.kind, difference.id, _row(difference.kept), _row(difference.right)


def unpacked(item: Item) -> Difference:
    """A difference of flows or holdings that was put aside."""
    kind, key, kept, right = item
    state: type[FlowState | HoldingState] = FlowState if kind == "Flow" else HoldingState

    def read(row: Row | None) -> State | None:
        return None if row is None else msgspec.convert(row, state, strict=False)

    return Difference(kind=kind, id=key, kept=read(kept), right=read(right))


def _derived(state: State) -> list[Any]:
    return [getattr(state, name) for name in DERIVED[type(state)]]


def _row(state: State | None) -> Row | None:
    """Amounts go as text: they may be larger than what JSON's readers take."""
    if state is None:
        return None
    fields = msgspec.structs.asdict(state).items()
    return {
        name: str(one) if name.endswith(("_raw", "_micros")) and one is not None else one
        for name, one in fields
    }
