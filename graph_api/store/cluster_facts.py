"""Reads what clustering needs of a chain, page by page: moves, coins, approvals, labels."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId
from graph_api.domain.positions import block_bounds
from graph_api.store.graph import Graph
from graph_api.store.outputs import OutputRow

PAGE: Final = 5_000
_OUTPUTS: Final = 500
_MOST_OUTPUTS: Final = 20_000


class Keyed(msgspec.Struct, frozen=True, gc=False):
    """A row of a page, and where it stands."""

    key: str


class MoveRow(Keyed, frozen=True, gc=False):
    """A transfer in few words."""

    chain: ChainId
    sender: AccountId | None
    recipient: AccountId
    token: TokenId | None
    amount_raw: str | None
    block_number: int | None
    block_time: int | None
    transaction: TransactionId | None


class TransactionBrief(Keyed, frozen=True, gc=False):
    """A transaction in few words."""

    chain: ChainId
    id: TransactionId
    sender: AccountId | None
    block_number: int | None
    block_time: int | None
    coinbase: bool | None


class ApprovalBrief(Keyed, frozen=True, gc=False):
    """An approval in few words; its key is its id."""

    chain: ChainId
    owner: AccountId
    spender: AccountId
    token: TokenId
    amount_raw: str
    block_number: int | None
    block_time: int | None


class KindRow(Keyed, frozen=True, gc=False):
    """What stands behind a wallet; its key is its id."""

    chain: ChainId
    kind: str | None


class LabelBrief(Keyed, frozen=True):
    """A label, and the wallets of the chain that it speaks of; ``types`` are its actor's."""

    category: str | None
    confidence: float
    actor: str | None
    valid_from: int | None
    valid_to: int | None
    learned_at: int | None
    withdrawn_at: int | None
    wallets: list[AccountId]
    types: list[str | None]

    def holds(self, at: int) -> bool:
        """Whether it is known and true at a moment, epoch milliseconds."""
        return (
            (self.learned_at is None or self.learned_at <= at)
            and (self.withdrawn_at is None or self.withdrawn_at > at)
            and (self.valid_from is None or self.valid_from <= at)
            and (self.valid_to is None or self.valid_to > at)
        )


Row = TypeVar("Row", bound=Keyed)


def moves(graph: Graph, chain: ChainId, *, above: int | None) -> AsyncIterator[list[MoveRow]]:
    """Transfers of blocks above ``above``, or all of them, newest first."""
    return _placed(graph, "moves", MoveRow, chain, above)


def transactions(
    graph: Graph, chain: ChainId, *, above: int | None
) -> AsyncIterator[list[TransactionBrief]]:
    """Transactions of blocks above ``above``, or all of them, newest first."""
    return _placed(graph, "transactions", TransactionBrief, chain, above)


def approvals(graph: Graph, chain: ChainId) -> AsyncIterator[list[ApprovalBrief]]:
    """All approvals."""
    return pages(graph, "approvals", ApprovalBrief, *_ids(chain))


def kinds(graph: Graph, chain: ChainId) -> AsyncIterator[list[KindRow]]:
    """What stands behind all wallets."""
    return pages(graph, "wallets", KindRow, *_ids(chain))


def labels(graph: Graph, chain: ChainId) -> AsyncIterator[list[LabelBrief]]:
    """All labels, of whatever chain."""
    return pages(graph, "labels", LabelBrief, "label:", "label;", chain=chain)


async def coins_of(
    graph: Graph, transactions: Sequence[TransactionId]
) -> tuple[list[OutputRow], list[OutputRow]]:
    """The outputs that transactions create, and those that they spend."""
    made: list[OutputRow] = []
    spent: list[OutputRow] = []
    for first in range(0, len(transactions), _OUTPUTS):
        some = list(transactions[first : first + _OUTPUTS])
        for name, found in (("created_by", made), ("spent_by", spent)):
            found += await graph.read(
                f"outputs/{name}", OutputRow, transactions=some, limit=_MOST_OUTPUTS
            )
    return made, spent


async def pages(
    graph: Graph, name: str, record: type[Row], after: str, end: str, **more: Any
) -> AsyncIterator[list[Row]]:
    """The rows of a ranged statement between two keys, a page at a time."""
    while True:
        rows = await graph.read(
            f"clusters/{name}", record, after=after, end=end, limit=PAGE, **more
        )
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = max(row.key for row in rows)


async def _placed(
    graph: Graph, name: str, record: type[Any], chain: ChainId, above: int | None
) -> AsyncIterator[list[Any]]:
    after, end = block_bounds(chain, lowest=None if above is None else above + 1, highest=None)
    async for rows in pages(graph, name, record, after, end):
        # Two chains may share the digest that keys begin with.
        yield [row for row in rows if row.chain == chain]


def _ids(chain: ChainId) -> tuple[str, str]:
    return f"{chain}:", f"{chain};"
