"""Facts that were loaded before the time of their block, and who was active by them."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from graph_api.domain.positions import block_bounds
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.states import Moved


class Undated(msgspec.Struct, frozen=True):
    """A transaction, approval or swap without a time, and the wallets that were active by it."""

    id: str
    kind: str
    block_number: int
    wallets: tuple[str, ...]


class Late(msgspec.Struct, frozen=True):
    """What was waiting for the times of some blocks."""

    transfers: tuple[Moved, ...] = ()
    others: tuple[Undated, ...] = ()

    @property
    def wallets(self) -> set[str]:
        """Whose activity gets a time."""
        parties = {party for moved in self.transfers for party in (moved.sender, moved.recipient)}
        return {*filter(None, parties), *(one for other in self.others for one in other.wallets)}

    def __len__(self) -> int:
        return len(self.transfers) + len(self.others)


async def read(
    writing: Writing, chain: str, numbers: Iterable[int], *, but: frozenset[str]
) -> Late:
    """What waits for the times of the blocks ``numbers``, but for the transfers ``but``."""
    transfers: list[Moved] = []
    others: list[Undated] = []
    for lowest, highest in _runs(numbers):
        low, high = block_bounds(chain, lowest=lowest, highest=highest)
        rows = await writing.run("ledger/untimed_transfers", low=low, high=high)
        moved = [msgspec.convert(row, Moved, strict=False) for row in rows]
        transfers += [one for one in moved if one.id not in but]
        for name in ("untimed_transactions", "untimed_events"):
            rows = await writing.run(f"ledger/{name}", low=low, high=high)
            others += [
                Undated(row["id"], row["kind"], row["block_number"], tuple(filter(None, row["by"])))
                for row in rows
            ]
    return Late(tuple(transfers), tuple(others))


async def write(writing: Writing, late: Late, times: Mapping[int, int]) -> None:
    """Give everything the time of its block."""
    found: dict[str, list[Row]] = {}
    for moved in late.transfers:
        row = {"id": moved.id, "time": times[moved.block_number or 0]}
        found.setdefault("time_transfers", []).append(row)
    for other in late.others:
        row = {"id": other.id, "time": times[other.block_number]}
        found.setdefault(f"time_{other.kind.lower()}s", []).append(row)
    for name, rows in found.items():
        await writing.run(f"ledger/{name}", rows=rows)


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch without a gap: a stretch is one look-up."""
    first = last = None
    for number in sorted(numbers):
        if first is None or last is None or number > last + 1:
            if first is not None and last is not None:
                yield first, last
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last
