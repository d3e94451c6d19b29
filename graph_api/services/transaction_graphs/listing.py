"""Which transactions are around a wallet: those that moved value to or from it, newest first.

They are listed by the wallet's transfers. Transfers of several transactions of a block lie mixed
together in that list, so a page that begins within a block looks at what it showed of it before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId
from graph_api.domain.pages import Page
from graph_api.store import transfers
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.transfers import TransferFilter, TransferRow

#: How many transfers of the wallet one page looks at, at most.
MOST_TRANSFERS: Final = 2_000
_PAGE: Final = 200


class Place(NamedTuple):
    """Where a page ends: at a transfer of the wallet, and in which block."""

    block: int | None
    order: str


class TransactionGraphQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Around whom, and how much of it.

    Args:
        first: How many transactions.
        per_transaction: How many transfers of each, or outputs on either side; the wallet's own
            are always among them.
        after: Where the page before ended.
        as_of, as_of_block: What happened later is not known.
    """

    wallet: AccountId
    filter: TransferFilter = TransferFilter()
    first: int = 25
    per_transaction: int = 50
    after: Place | None = None
    as_of: datetime | None = None
    as_of_block: int | None = None

    @property
    def asked_for(self) -> TransferFilter:
        """Which transfers of the wallet are meant."""
        window, replace = self.filter.window, msgspec.structs.replace
        if self.as_of is not None:
            window = replace(window, until=min(window.until or self.as_of, self.as_of))
        if self.as_of_block is not None:
            highest = self.as_of_block if window.to_block is None else window.to_block
            window = replace(window, to_block=min(highest, self.as_of_block))
        return replace(self.filter, window=window)

    def check(self) -> None:
        """Raises: BadInput where no answer has a meaning."""
        if self.as_of is not None and self.as_of_block is not None:
            raise BadInput("Name a moment or a block, not both.")


class Listed(NamedTuple):
    """The wallet's own transfers by what carried them; a row of a file carries itself.

    ``end`` is where the page ended, None where the list did. ``stopped``: it looked at as much as
    one page may before it was full.
    """

    own: dict[str, list[TransferRow]]
    end: Place | None
    stopped: bool


def carrier(row: TransferRow) -> str:
    """The transaction of a transfer; what comes without one stands for itself."""
    return row.transaction or row.id


async def listed(graph: Graph, asked: TransactionGraphQuestion) -> Listed:
    """The next transactions around a wallet."""
    shown = await _shown(graph, asked)
    own: dict[str, list[TransferRow]] = {}
    place, looked = asked.after, 0
    while looked < MOST_TRANSFERS:
        page = Page(size=_PAGE, after=None if place is None else place.order)
        found = (
            await transfers.of_wallets(graph, [asked.wallet], filter=asked.asked_for, page=page)
        )[asked.wallet]
        for row, order in zip(found.rows, found.places, strict=True):
            key = carrier(row)
            if key not in shown and key not in own and len(own) == asked.first:
                return Listed(own, place, False)
            if key not in shown:
                own.setdefault(key, []).append(row)
            place = Place(row.block_number, order)
        looked += len(found.rows)
        if found.stopped_at is not None:
            block = None if place is None else place.block
            return Listed(own, Place(block, found.stopped_at), True)
        if not found.more_after:
            return Listed(own, None, False)
    return Listed(own, place, True)


async def _shown(graph: Graph, asked: TransactionGraphQuestion) -> set[str]:
    """What earlier pages showed of the block in which this one begins."""
    if asked.after is None or asked.after.block is None:
        return set()
    block = asked.after.block
    there = msgspec.structs.replace(asked.filter, window=Window(from_block=block, to_block=block))
    page = Page(size=MOST_TRANSFERS, before=f"{asked.after.order}~")
    found = await transfers.of_wallets(graph, [asked.wallet], filter=there, page=page)
    rows: Sequence[TransferRow] = found[asked.wallet].rows
    return {carrier(row) for row in rows}
