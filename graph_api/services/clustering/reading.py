"""Reads the facts of a chain for clustering: everything, or the blocks that came since."""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from sys import intern
from typing import Final

import msgspec

from graph_api.analysis.attribution import winner
from graph_api.analysis.clustering.deriving import Derivation
from graph_api.analysis.clustering.facts import Facts, Known, Move, turned
from graph_api.domain.categories import ILLICIT, SERVICES, Category
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.errors import TooCostly
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId
from graph_api.domain.records import (
    SERVICE_TYPES,
    ActorType,
    Approval,
    Output,
    Spend,
    UtxoTransaction,
    WalletKind,
)
from graph_api.services.clustering.facts_file import FactsFile, Mark, Read
from graph_api.store import blocks, chains, cluster_facts
from graph_api.store.chains import ChainRow
from graph_api.store.cluster_facts import LabelBrief, MoveRow, TransactionBrief
from graph_api.store.cluster_runs import Publisher
from graph_api.store.graph import Graph
from graph_api.store.outputs import OutputRow
from graph_api.store.walks import SURE

#: Where exchanges gather what customers pay in.
_COLLECTS: Final = frozenset({Category.EXCHANGE, Category.HOT_WALLET, Category.COLD_WALLET})
_SERVICE_TYPES: Final = frozenset(type.value for type in SERVICE_TYPES)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is: what it does, and how much of it is done."""

    message: str
    done: int
    total: int
    unit: str
    share: float


Tell = Callable[[Progress], None]


class Labelled(msgspec.Struct, frozen=True):
    """What labels say of wallets, and a digest by which a change of it is noticed."""

    wallets: dict[AccountId, Known]
    digest: str


class Warm(msgspec.Struct, kw_only=True):
    """What runs have read of a chain, and up to where; ``file`` is where it is remembered."""

    derivation: Derivation
    labels: str
    mark: Mark = Mark()
    file: FactsFile | None = None

    @property
    def facts(self) -> Facts:
        """All of it."""
        return self.derivation.facts


class Reading:
    """Reads the facts of a chain as it stood when the reading began."""

    def __init__(self, graph: Graph, chain: ChainId, publisher: Publisher, *, tell: Tell) -> None:
        self._graph, self._chain, self._publisher, self._tell = graph, chain, publisher, tell
        self._family = chain_of(chain).family
        self.counters = ChainRow(id=chain)
        self._hash: str | None = None

    async def look(self) -> None:
        """See how much there is."""
        self.counters = (await chains.by_ids(self._graph, [self._chain]))[self._chain]
        self._hash = await self._hash_of(self.counters.last_block)

    def require_at_most(self, most: int) -> None:
        """Raises: TooCostly."""
        there = max(self.counters.transfers, self.counters.transactions)
        if there > most:
            raise TooCostly(
                f"{chain_of(self._chain).name} has {there:,} facts, and a run takes {most:,} into "
                "memory; DESKGRAPH_CLUSTERS__MOST_FACTS allows more, at about 1 KB each."
            )

    async def goes_on_from(self, mark: Mark) -> bool:
        """Whether nothing but new blocks can have come since ``mark``."""
        return (
            mark.block is not None
            and mark.untimed == self.counters.untimed
            and await self._hash_of(mark.block) == mark.block_hash
        )

    def agrees(self, mark: Mark) -> bool:
        """Whether what was read is all that there is: nothing older has come, or gone."""
        facts = self.counters
        if self._family is Family.UTXO:
            return mark.transactions == facts.transactions
        return mark.moves == facts.transfers

    async def add_to(self, warm: Warm, *, above: int | None) -> Read:
        """Read blocks above ``above``, or everything; what was read of transfers and coins.

        Approvals and what stands behind wallets are read whole: both may change of old ones.
        """
        before, read = warm.mark, Read()
        if self._family is Family.UTXO:
            await self._coins(read, before, above)
        else:
            await self._moves(read, before, above)
            await self._kinds(warm.facts)
        if self._family is Family.EVM:
            await self._approvals(warm.facts)
        read.add_to(warm.facts)
        warm.mark = Mark(
            block=self.counters.last_block,
            block_hash=self._hash,
            moves=before.moves + len(read.moves),
            transactions=before.transactions + len(read.transactions),
            untimed=self.counters.untimed,
        )
        return read

    async def _moves(self, read: Read, before: Mark, above: int | None) -> None:
        async for page in cluster_facts.moves(self._graph, self._chain, above=above):
            read.moves += [_move(row) for row in page if self._is_in_time(row.block_number)]
            done = before.moves + len(read.moves)
            await self._told(done, self.counters.transfers, "transfers")
        if self._family is Family.SOLANA:
            async for some in cluster_facts.transactions(self._graph, self._chain, above=above):
                read.payers.update({row.id: row.sender for row in some if row.sender is not None})
                await self._publisher.keep()

    async def _coins(self, read: Read, before: Mark, above: int | None) -> None:
        async for page in cluster_facts.transactions(self._graph, self._chain, above=above):
            rows = [row for row in page if self._is_in_time(row.block_number)]
            made, spent = await cluster_facts.coins_of(self._graph, [row.id for row in rows])
            read.transactions += _transactions(self._chain, rows, made, spent)
            done = before.transactions + len(read.transactions)
            await self._told(done, self.counters.transactions, "transactions")

    async def _kinds(self, facts: Facts) -> None:
        async for page in cluster_facts.kinds(self._graph, self._chain):
            facts.add_kinds({AccountId(row.key): _kind(row.kind) for row in page})
            await self._publisher.keep()

    async def _approvals(self, facts: Facts) -> None:
        async for page in cluster_facts.approvals(self._graph, self._chain):
            facts.add_approvals(
                Approval(
                    id=row.key,
                    chain=self._chain,
                    transaction=TransactionId(row.key.rpartition(":log:")[0]),
                    token=row.token,
                    owner=row.owner,
                    spender=row.spender,
                    amount_raw=int(row.amount_raw),
                    block_number=row.block_number,
                    block_time=row.block_time,
                )
                for row in page
            )
            await self._publisher.keep()

    async def _told(self, done: int, total: int, unit: str) -> None:
        await self._publisher.keep()
        share = 0.6 * min(1.0, done / total) if total else 0.6
        message = f"Reading {total:,} {unit}."
        self._tell(Progress(message=message, done=done, total=total, unit=unit, share=share))

    async def _hash_of(self, block: int | None) -> str | None:
        if block is None:
            return None
        return (await blocks.hashes(self._graph, self._chain, [block])).get(block)

    def _is_in_time(self, block: int | None) -> bool:
        """Whether it was there when the reading began; the rest is the next run's."""
        last = self.counters.last_block
        return block is None or last is None or block <= last


async def known_wallets(graph: Graph, chain: ChainId, *, at: datetime) -> Labelled:
    """What labels of a moment say of the wallets of a chain."""
    moment, said = milliseconds(at) or 0, dict[AccountId, list[LabelBrief]]()
    async for page in cluster_facts.labels(graph, chain):
        for label in page:
            if label.confidence >= SURE and label.holds(moment):
                for wallet in label.wallets:
                    said.setdefault(wallet, []).append(label)
    found = {wallet: _known(labels) for wallet, labels in sorted(said.items())}
    digest = blake2b(digest_size=8)
    for wallet, known in found.items():
        digest.update(msgspec.json.encode([wallet, *msgspec.structs.astuple(known)]))
    return Labelled(found, digest.hexdigest())


def _known(labels: list[LabelBrief]) -> Known:
    best = winner(labels, name=lambda label: label.actor)
    words = {Category(label.category) for label in labels if label.category is not None}
    types = {type for label in labels for type in label.types}
    is_deposit = Category.DEPOSIT in words
    # A deposit address is its exchange's, and yet it is what customers are found by.
    return Known(
        actor=None if best is None else best.actor,
        service=not is_deposit and bool(words & SERVICES or types & _SERVICE_TYPES),
        collects=not is_deposit
        and bool(words & _COLLECTS or (not words and ActorType.EXCHANGE in types)),
        illicit=bool(words & ILLICIT),
    )


def _kind(text: str | None) -> WalletKind:
    return WalletKind.UNKNOWN if text is None else WalletKind(text)


def _move(row: MoveRow) -> Move:
    # One text for each wallet and token, not one for each row.
    return Move(
        None if row.sender is None else AccountId(intern(row.sender)),
        AccountId(intern(row.recipient)),
        None if row.token is None else TokenId(intern(row.token)),
        None if row.amount_raw is None else int(row.amount_raw),
        row.block_number,
        row.block_time,
        row.transaction,
        turned(row.key),
    )


def _transactions(
    chain: ChainId,
    rows: list[TransactionBrief],
    made: list[OutputRow],
    spent: list[OutputRow],
) -> list[UtxoTransaction]:
    outputs: dict[TransactionId, list[Output]] = {}
    for row in made:
        known = Output(id=row.id, owner=row.owner, amount_raw=int(row.amount_raw or 0))
        outputs.setdefault(row.transaction, []).append(known)
    inputs: dict[TransactionId, list[Spend]] = {}
    for row in spent:
        amount = None if row.amount_raw is None else int(row.amount_raw)
        spend = Spend(output=row.id, owner=row.owner, amount_raw=amount)
        inputs.setdefault(row.transaction, []).append(spend)
    return [
        UtxoTransaction(
            id=row.id,
            chain=chain,
            hash=row.id.rpartition(":")[2],
            block_number=row.block_number,
            block_time=row.block_time,
            index=None,
            coinbase=bool(row.coinbase),
            inputs=tuple(inputs.get(row.id, ())),
            outputs=tuple(outputs.get(row.id, ())),
        )
        for row in rows
    ]


def milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
