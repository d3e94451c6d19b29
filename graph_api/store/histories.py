"""How far the histories of single wallets are read; written in the transaction of their facts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.ids import AccountId
from graph_api.domain.wallet_loads import Part
from graph_api.store import leases
from graph_api.store.checkpoints import Progress
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.places import Written
from graph_api.store.scanners import covered

#: What the checkpoints of histories name as their format.
FORMAT: Final = "wallet"


class History(msgspec.Struct, frozen=True, kw_only=True):
    """How far one part of a wallet's history is read.

    Args:
        ranges: First and last block of everything that was read, ascending: ``first, last, …``.
        done: Whether all was read that could not change any more when it was read last.
        source: Who told it.
        facts: How many it told.
        accounts: Addresses that were found to act for the wallet, such as its token accounts.
    """

    account: AccountId
    part: Part
    ranges: Sequence[int]
    done: bool
    source: str
    facts: int
    updated_at: datetime
    accounts: Sequence[str] = ()

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The ranges as pairs."""
        return list(zip(self.ranges[::2], self.ranges[1::2], strict=True))


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """The place after the blocks ``first..last`` of a history were read.

    Nobody else's reading is in its way: what was read before stays read.
    """

    account: AccountId
    part: Part
    first: int
    last: int
    source: str
    facts: int
    rejected: int
    done: bool
    accounts: Sequence[str] = ()

    @property
    def id(self) -> str:
        """The id of its checkpoint."""
        return checkpoint_of(self.account, self.part)

    @property
    def lease(self) -> str:
        """The right to move the checkpoint."""
        return leases.of_dataset(self.id)

    async def reached(self, writing: Writing) -> bool:
        """Whether the stretch is marked as read."""
        rows = await writing.run("checkpoints/ranges", ids=[self.id])
        ranges = tuple(rows[0]["ranges"] or ()) if rows else ()
        return covered(ranges, self.first, self.last) == ranges

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Add the stretch to what was read before."""
        rows = await writing.run("checkpoints/ranges", ids=[self.id])
        kept = rows[0] if rows else {"ranges": None, "accounts": None}
        ranges = covered(kept["ranges"] or (), self.first, self.last)
        accounts = sorted({*(kept["accounts"] or ()), *self.accounts})
        progress = Progress(
            id=self.id,
            source=self.source,
            format=FORMAT,
            row=ranges[-1],
            read=self.facts,
            rejected=self.rejected,
            done=self.done,
        )
        await progress.reach(writing, written, now=now)
        await writing.run(
            "checkpoints/cover", id=self.id, ranges=list(ranges), accounts=accounts or None
        )


def checkpoint_of(account: AccountId, part: Part) -> str:
    """The id of the checkpoint of one part of a wallet's history."""
    return f"{FORMAT}:{part}:{account}"


class _Row(msgspec.Struct, frozen=True):
    id: str
    ranges: Sequence[int] | None
    done: bool
    source: str
    read: int
    updated_at: datetime
    accounts: Sequence[str] | None


async def of_wallets(graph: Graph, wallets: list[AccountId]) -> dict[AccountId, list[History]]:
    """What is read of each wallet's history, part by part; a wallet that nobody asked for is
    left out.
    """
    places = {checkpoint_of(wallet, part): (wallet, part) for wallet in wallets for part in Part}
    rows = await graph.read("checkpoints/ranges", _Row, ids=sorted(places))
    found: dict[AccountId, list[History]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        account, part = places[row.id]
        history = History(
            account=account,
            part=part,
            ranges=tuple(row.ranges or ()),
            done=row.done,
            source=row.source,
            facts=row.read,
            updated_at=row.updated_at,
            accounts=tuple(row.accounts or ()),
        )
        found.setdefault(account, []).append(history)
    return found


def unread(ranges: Iterable[int], last: int) -> list[tuple[int, int]]:
    """The stretches of ``0..last`` that are not in ``ranges``, the newest first."""
    edges = [-1, -1, *(edge for edge in ranges), last + 1, last + 1]
    pairs = zip(edges[1::2], edges[2::2], strict=False)
    gaps = [(below + 1, min(above - 1, last)) for below, above in pairs]
    return [gap for gap in gaps if gap[0] <= gap[1]][::-1]
