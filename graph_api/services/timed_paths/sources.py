"""Where flows and transfers come from: the graph, a few batched statements at a time."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from graph_api.domain.ids import AccountId, TransactionId, chain_id_of
from graph_api.store import blocks, timed_walks, traces, walks
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.timed_walks import RoadRow, RoadWish, TimedTransfer

#: How many flows or transfers one statement looks at, and how many wallets it asks for.
_PER_STATEMENT: Final = 10_000
_WALLETS: Final = 1_000

#: Of each wallet, whose transfers with it are wanted.
Pairs = Mapping[AccountId, Collection[AccountId]]


class Standing(NamedTuple):
    """What a search has to know of a wallet before it passes it or reads it."""

    flows_in: int
    flows_out: int
    transfers_in: int
    transfers_out: int
    service: bool

    @property
    def flows(self) -> int:
        """Both ways."""
        return self.flows_in + self.flows_out


class Source(Protocol):
    """Flows, transfers and wallets. Whoever asks knows what it costs."""

    async def standings(self, wallets: Collection[AccountId]) -> dict[AccountId, Standing]:
        """The wallets that are there."""
        ...

    async def roads(
        self,
        wallets: Mapping[AccountId, int],
        wish: RoadWish,
        *,
        outgoing: bool,
        far: Collection[AccountId] | None = None,
    ) -> list[RoadRow]:
        """The flows of wallets, of which it is told how many each has; to ``far`` if given."""
        ...

    async def transfers(
        self, pairs: Pairs, sizes: Mapping[AccountId, int], wish: RoadWish, *, outgoing: bool
    ) -> list[TimedTransfer]:
        """What wallets sent or received; ``sizes`` tells how much that is in all."""
        ...

    async def moved(
        self, wallet: AccountId, window: Window, *, outgoing: bool, most: int
    ) -> list[TimedTransfer] | None:
        """All that a wallet sent or received within a window; None if more than ``most``."""
        ...

    async def indexes(
        self, transactions: Collection[TransactionId]
    ) -> dict[TransactionId, int | None]:
        """Where transactions stand in their blocks, as far as that is known."""
        ...


class GraphSource:
    """The graph, with labels as of a moment."""

    def __init__(self, graph: Graph, *, at: datetime) -> None:
        self._graph, self._at = graph, at

    async def standings(self, wallets: Collection[AccountId]) -> dict[AccountId, Standing]:
        """The wallets that are there."""
        parts = _parts(dict.fromkeys(sorted(wallets), 1), most=_WALLETS)
        found = await asyncio.gather(
            *(walks.wallets(self._graph, some, at=self._at) for some in parts)
        )
        return {
            id: Standing(
                row.flows_in, row.flows_out, row.transfers_in, row.transfers_out, row.service
            )
            for part in found
            for id, row in part.items()
        }

    async def roads(
        self,
        wallets: Mapping[AccountId, int],
        wish: RoadWish,
        *,
        outgoing: bool,
        far: Collection[AccountId] | None = None,
    ) -> list[RoadRow]:
        """The flows of wallets."""
        found = await asyncio.gather(
            *(
                timed_walks.roads(self._graph, some, wish, outgoing=outgoing, far=far)
                for some in _parts(wallets)
            )
        )
        return [row for part in found for row in part]

    async def transfers(
        self, pairs: Pairs, sizes: Mapping[AccountId, int], wish: RoadWish, *, outgoing: bool
    ) -> list[TimedTransfer]:
        """What wallets sent or received."""
        found = await asyncio.gather(
            *(
                timed_walks.transfers(
                    self._graph, {near: pairs[near] for near in some}, wish, outgoing=outgoing
                )
                for some in _parts({near: sizes[near] for near in pairs})
            )
        )
        return [row for part in found for row in part]

    async def moved(
        self, wallet: AccountId, window: Window, *, outgoing: bool, most: int
    ) -> list[TimedTransfer] | None:
        """All that a wallet sent or received within a window."""
        chain = chain_id_of(wallet)
        spans = await blocks.spans(self._graph, [chain], window)
        return await timed_walks.moved(
            self._graph, wallet, spans[chain], outgoing=outgoing, most=most
        )

    async def indexes(
        self, transactions: Collection[TransactionId]
    ) -> dict[TransactionId, int | None]:
        """Where transactions stand in their blocks."""
        return await traces.places(self._graph, transactions)


def contested(rows: Collection[TimedTransfer]) -> set[TransactionId]:
    """Transactions that share their block with others: which came first decides."""
    pairs = {
        (row.block_number, row.transaction)
        for row in rows
        if row.transaction is not None and row.block_number is not None
    }
    blocks = Counter(block for block, _ in pairs)
    return {transaction for block, transaction in pairs if blocks[block] > 1}


def _parts(
    sizes: Mapping[AccountId, int], *, most: int = _PER_STATEMENT
) -> Iterator[Sequence[AccountId]]:
    """Wallets in parts that one statement may read, those with the least first."""
    part: list[AccountId] = []
    size = 0
    for wallet in sorted(sizes, key=lambda one: (sizes[one], one)):
        if part and (size + sizes[wallet] > most or len(part) == _WALLETS):
            yield part
            part, size = [], 0
        part.append(wallet)
        size += sizes[wallet]
    if part:
        yield part
