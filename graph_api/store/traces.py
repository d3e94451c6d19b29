"""Questions of traces: all that a wallet ever moved of some tokens, and the coins of transactions.

Long histories are read in pages by key, several wallets a statement, and never more of them than
the caller has budget for.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId, TransferId
from graph_api.domain.positions import block_bounds
from graph_api.store.graph import Graph

_PAGE: Final = 2_000
#: How many wallets one statement reads a page of, and how many keys one looks up.
_AT_ONCE: Final = 20
_KEYS: Final = 1_000


#: Whether the time for reading is over.
IsLate = Callable[[], bool]


class Movement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A transfer. ``id`` is None for a stranger whose keys look alike."""

    owner: str
    key: str
    id: TransferId | None
    chain: ChainId
    transaction: TransactionId | None
    position: str
    sender: AccountId | None
    recipient: AccountId
    token: TokenId | None
    amount_raw: str | None
    block_number: int | None
    block_time: datetime | None


class FeePaid(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A transaction that its owner signed and pays for. ``id`` is None for a stranger."""

    owner: AccountId
    key: str
    id: TransactionId | None
    index: int | None
    fee_raw: str | None
    gas_used: int | None
    gas_price_raw: str | None
    block_number: int | None
    block_time: datetime | None

    @property
    def amount_raw(self) -> int | None:
        """The fee in base units, where it is known."""
        if self.fee_raw is not None:
            return int(self.fee_raw)
        if self.gas_used is None or self.gas_price_raw is None:
            return None
        return self.gas_used * int(self.gas_price_raw)


class SpentOrMade(msgspec.Struct, frozen=True, kw_only=True):
    """The transaction that spends an output, or that created it."""

    output: str
    id: TransactionId
    index: int | None
    block_number: int | None
    block_time: datetime | None


class CoinRow(msgspec.Struct, frozen=True, kw_only=True):
    """An output."""

    id: str
    owner: AccountId | None
    amount_raw: str | None


class CoinOf(CoinRow, frozen=True, kw_only=True):
    """An output on one side of a transaction; ``place`` is None where its order is not known."""

    transaction: TransactionId
    side: str
    place: int | None


class Histories(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of wallets or tokens: all of it, but for the ``unread``."""

    movements: list[Movement]
    fees: list[FeePaid]
    read: int
    unread: set[str]


class _Place(msgspec.Struct, frozen=True):
    id: TransactionId
    index: int | None


Keyed = TypeVar("Keyed", Movement, FeePaid)


class _Listed(NamedTuple, Generic[Keyed]):
    """What was read of lists: the rows of their owners, who was cut off, and how many rows."""

    rows: list[Keyed]
    cut: set[str]
    read: int = 0


async def histories(
    graph: Graph,
    wallets: Collection[AccountId],
    *,
    up_to: int | None,
    budget: int,
    with_fees: bool,
    is_late: IsLate,
) -> Histories:
    """All that wallets sent and received up to a block, and their fees where these are asked for.

    Of wallets for whom ``budget`` rows do not suffice, or the time, what was read is left out.
    """
    found = Histories(movements=[], fees=[], read=0, unread=set())
    for some in _parts(sorted(wallets), _AT_ONCE):
        share = max(budget - found.read, 0)
        sent, received = await asyncio.gather(
            _pages(
                graph, "traces/sent", Movement, some, up_to=up_to, budget=share, is_late=is_late
            ),
            _pages(
                graph, "traces/received", Movement, some, up_to=up_to, budget=share, is_late=is_late
            ),
        )
        fees = _Listed[FeePaid]([], set())
        if with_fees:
            fees = await _pages(
                graph, "traces/fees", FeePaid, some, up_to=up_to, budget=share, is_late=is_late
            )
        found.unread.update(sent.cut, received.cut, fees.cut)
        found.movements.extend(
            row for row in (*sent.rows, *received.rows) if row.owner not in found.unread
        )
        found.fees.extend(row for row in fees.rows if row.owner not in found.unread)
        read = sent.read + received.read + fees.read
        found = msgspec.structs.replace(found, read=found.read + read)
    return found


async def of_token(
    graph: Graph, token: TokenId, *, up_to: int | None, budget: int, is_late: IsLate
) -> Histories:
    """All that ever moved of a token, up to a block."""
    rows, cut, read = await _pages(
        graph, "traces/of_token", Movement, [token], up_to=up_to, budget=budget, is_late=is_late
    )
    return Histories(movements=rows, fees=[], read=read, unread=set(cut))


async def by_ids(graph: Graph, transfers: Iterable[TransferId]) -> list[Movement]:
    """The transfers that are in the graph."""
    return await _each(graph, "traces/by_ids", Movement, transfers)


async def of_transactions(graph: Graph, transactions: Iterable[TransactionId]) -> list[Movement]:
    """All transfers of transactions."""
    return await _each(graph, "traces/of_transactions", Movement, transactions)


async def places(
    graph: Graph, transactions: Iterable[TransactionId]
) -> dict[TransactionId, int | None]:
    """Where transactions stand in their blocks, as far as that is known."""
    rows = await _each(graph, "traces/places", _Place, transactions)
    return {row.id: row.index for row in rows}


async def spenders(graph: Graph, outputs: Iterable[str]) -> list[SpentOrMade]:
    """The transactions that spend outputs; of what is unspent, none."""
    return await _each(graph, "traces/spenders", SpentOrMade, outputs, name="outputs")


async def makers(graph: Graph, outputs: Iterable[str]) -> list[SpentOrMade]:
    """The transactions that created outputs, where they are loaded."""
    return await _each(graph, "traces/makers", SpentOrMade, outputs, name="outputs")


async def coins_of(graph: Graph, transactions: Iterable[TransactionId]) -> list[CoinOf]:
    """The outputs on both sides of transactions."""
    return await _each(graph, "traces/coins", CoinOf, transactions)


async def outputs_of(graph: Graph, wallet: AccountId, *, limit: int) -> list[CoinRow]:
    """The outputs that a wallet owns, up to a number of them."""
    return await graph.read("traces/outputs_of", CoinRow, wallet=wallet, limit=limit)


async def outputs(graph: Graph, ids: Iterable[str]) -> list[CoinRow]:
    """The outputs that are in the graph."""
    return await _each(graph, "traces/outputs_by_ids", CoinRow, ids)


async def _pages(
    graph: Graph,
    name: str,
    record: type[Keyed],
    owners: Sequence[str],
    *,
    up_to: int | None,
    budget: int,
    is_late: IsLate,
) -> _Listed[Keyed]:
    """The lists of owners from block ``up_to`` down; and those that are cut off."""
    bounds = {owner: block_bounds(owner, lowest=None, highest=up_to) for owner in owners}
    rows: list[Keyed] = []
    read = 0
    while bounds and read < budget and not is_late():
        branches = [
            {"owner": owner, "after": after, "end": end} for owner, (after, end) in bounds.items()
        ]
        page = await graph.read_each(name, record, branches, limit=_PAGE)
        rows += [row for row in page if row.id is not None]
        read += len(page)
        counts: dict[str, int] = {}
        last: dict[str, str] = {}
        for row in page:
            counts[row.owner] = counts.get(row.owner, 0) + 1
            last[row.owner] = max(last.get(row.owner, ""), row.key)
        bounds = {
            owner: (last[owner], bounds[owner][1])
            for owner, count in counts.items()
            if count == _PAGE
        }
    return _Listed(rows, set(bounds), read)


Read = TypeVar("Read", bound=msgspec.Struct)


async def _each(
    graph: Graph, statement: str, record: type[Read], keys: Iterable[Any], *, name: str = "ids"
) -> list[Read]:
    found: list[Read] = []
    for some in _parts(sorted(set(keys)), _KEYS):
        parameters: dict[str, Any] = {name: some}
        found += await graph.read(statement, record, **parameters)
    return found


def _parts(keys: Sequence[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(keys), size):
        yield list(keys[start : start + size])
