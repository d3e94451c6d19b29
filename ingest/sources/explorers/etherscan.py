"""Histories of EVM accounts from explorers that answer as Etherscan does.

Its lists tell the newest first and stop at a page's end, often within a block: that block is asked
for again. ``tokentx`` names tokens, but not the log that a transfer is known by: logs do.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, address_of
from graph_api.domain.records import Record, Reject
from graph_api.domain.wallet_loads import Part
from ingest.providers.faults import Unsupported
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.evm.logs import DEPOSIT, TRANSFER, WITHDRAWAL, WRAPPED
from ingest.sources.explorers import rows
from ingest.sources.explorers.asking import MOST_ROWS, Asked, Explorers
from ingest.sources.explorers.rows import InternalRow, LogRow, Row, TokenRow, TransactionRow
from ingest.sources.histories import Told

R = TypeVar("R", bound=Row)
T = TypeVar("T")

#: Rows of one page; explorers tell 10,000 at most of whatever is asked.
PAGE: Final = 1_000
#: Of logs they tell no more than this at a time.
_LOGS: Final = 1_000


class _History(ABC):
    """What both parts share; ``page`` is how many rows are asked for at a time."""

    part: Part
    counts_blocks = True
    unseen: str | None = None

    def __init__(self, chain: Chain, explorers: Explorers, *, page: int = PAGE) -> None:
        self.chain, self.name = chain, explorers.name
        self._explorers, self._page = explorers, page
        self._records = ChainRecords(chain, decimals=known_decimals())
        self._calls = 0

    @property
    def calls(self) -> int:
        """How often explorers were asked for this."""
        return self._calls

    async def settled(self) -> int:
        """The newest block that is deep enough."""
        return max(await self._counted(_height) - self.chain.finality_depth, 0)

    async def told(self, account: AccountId, first: int, last: int) -> AsyncGenerator[Told]:
        """What ``account`` did in the blocks ``first..last``, newest first."""
        while first <= last:
            work = partial(self._stretch, account=account, first=first, last=last)
            told = await self._counted(work)
            yield told
            last = told.first - 1

    async def _counted(self, work: Callable[[Asked], Awaitable[T]]) -> T:
        before = self._explorers.calls
        try:
            return await self._explorers.ask(work)
        finally:
            self._calls += self._explorers.calls - before

    @abstractmethod
    async def _stretch(self, asked: Asked, *, account: AccountId, first: int, last: int) -> Told:
        """The newest blocks of ``first..last``, as many as are told whole."""

    async def _list(
        self, asked: Asked, of: type[R], action: str, account: AccountId, first: int, last: int
    ) -> tuple[list[R], int]:
        """The newest rows of a list, and the block from which on it is whole."""
        found: list[R] = []
        for page in range(1, max(MOST_ROWS // self._page, 1) + 1):
            some = await asked.rows(
                of,
                module="account",
                action=action,
                address=address_of(account),
                startblock=first,
                endblock=last,
                page=page,
                offset=self._page,
                sort="desc",
            )
            found += some
            if len(some) < self._page:
                return found, first
            lowest = found[-1].block_number
            if lowest < found[0].block_number or lowest < last:
                return [row for row in found if row.block_number > lowest], lowest + 1
        raise Unsupported(f"It tells {MOST_ROWS} rows at most, and block {last} has more.")


class EtherscanCoin(_History):
    """A ``HistorySource`` of an account's transactions and internal transfers.

    An internal transfer is known by its place in the transaction; without one it is a reject.
    """

    part = Part.COIN

    async def _stretch(self, asked: Asked, *, account: AccountId, first: int, last: int) -> Told:
        signed, whole = await self._list(asked, TransactionRow, "txlist", account, first, last)
        inner, start = await self._list(asked, InternalRow, "txlistinternal", account, whole, last)
        made = [
            *_made(signed, start, lambda row: (rows.transaction(row, self._records),), self._where),
            *_made(inner, start, lambda row: rows.internal(row, self._records), self._where),
        ]
        hashes = {row.block_number: row.block_hash for row in signed if row.block_hash}
        return _told(made, first=start, last=last, hashes=hashes)

    def _where(self, row: Row) -> str:
        return f"{self.chain.id}:{row.hash}"


class EtherscanTokens(_History):
    """A ``HistorySource`` of the tokens that an account moved."""

    part = Part.TOKENS

    async def _stretch(self, asked: Asked, *, account: AccountId, first: int, last: int) -> Told:
        moved, start = await self._list(asked, TokenRow, "tokentx", account, first, last)
        named = {row.contract.lower(): row for row in moved if row.block_number >= start}
        tokens = [rows.token(row, self._records) for row in named.values()]
        logs: dict[tuple[str, str], LogRow] = {}
        for topics in self._topics(account, moves=bool(named)):
            for log in await self._logs(asked, topics, start, last):
                logs[log.transaction, log.log_index] = log
        facts = [fact for log in logs.values() for fact in rows.told_by(log, self._records)]
        hashes = {rows.block_of(log): log.block_hash for log in logs.values() if log.block_hash}
        return _told([*facts, *tokens], first=start, last=last, hashes=hashes)

    def _topics(self, account: AccountId, *, moves: bool) -> list[dict[str, str]]:
        """Which logs tell what the account did; ``tokentx`` says whether it moved anything."""
        own = "0x" + "0" * 24 + address_of(account).removeprefix("0x")
        asked = []
        if moves:
            asked += [{"topic0": TRANSFER, "topic1": own}, {"topic0": TRANSFER, "topic2": own}]
        if coin := WRAPPED.get(self.chain.id):
            # Coins that are wrapped tell of it by logs of their own.
            asked += [
                {"topic0": topic, "topic1": own, "address": coin} for topic in (DEPOSIT, WITHDRAWAL)
            ]
        return asked

    async def _logs(
        self, asked: Asked, topics: dict[str, str], first: int, last: int
    ) -> list[LogRow]:
        found: list[LogRow] = []
        for page in range(1, MOST_ROWS // _LOGS + 1):
            some = await asked.rows(
                LogRow,
                module="logs",
                action="getLogs",
                fromBlock=first,
                toBlock=last,
                page=page,
                offset=_LOGS,
                **topics,
                **{f"topic0_{place}_opr": "and" for place in (1, 2) if f"topic{place}" in topics},
            )
            found += some
            if len(some) < _LOGS:
                return found
        raise Unsupported(f"It tells {MOST_ROWS} logs at most; there are more from block {first}.")


async def _height(asked: Asked) -> int:
    try:
        return await asked.number(module="proxy", action="eth_blockNumber")
    except Unsupported:
        # Blockscout's name for it.
        return await asked.number(module="block", action="eth_block_number")


def _made(
    found: Sequence[R],
    start: int,
    make: Callable[[R], Sequence[Record]],
    where: Callable[[R], str],
) -> Iterable[Record | Reject]:
    for place, row in enumerate(found):
        if row.block_number < start:
            continue
        try:
            yield from make(row)
        except (BadInput, ValueError) as error:
            yield Reject(file=where(row), line=place, reason=str(error), row=str(row)[:2000])


def _told(
    made: Iterable[Record | Reject], *, first: int, last: int, hashes: dict[int, str]
) -> Told:
    everything = list(made)
    return Told(
        first=first,
        last=last,
        records=tuple(one for one in everything if not isinstance(one, Reject)),
        rejects=tuple(one for one in everything if isinstance(one, Reject)),
        hashes=hashes,
    )
