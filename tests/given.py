"""Builders: small facts with sensible rest, written through the real writer."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final, Self

from graph_api.domain.chains import CHAINS, chain_of
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    account_id,
    native_token,
    token_id,
)
from graph_api.domain.positions import order_key, transfer_id
from graph_api.domain.records import Record, Token, Transaction, Transfer
from graph_api.store import leases
from graph_api.store.graph import Graph
from graph_api.store.ledger.places import Counts
from graph_api.store.ledger.writer import LEASE_LASTS, LedgerWriter

ETHEREUM: Final = chain_of("ethereum")
BITCOIN: Final = chain_of("bitcoin")
ETHER: Final = native_token(ETHEREUM)
NOON: Final = 1_700_000_000_000
DAY: Final = 86_400_000
NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)


def address(name: str) -> str:
    """An EVM address that stands for ``name``."""
    return "0x" + blake2b(name.encode(), digest_size=20).hexdigest()


def wallet(name: str, *, chain: str = "ethereum") -> AccountId:
    """The account of ``name``."""
    return account_id(chain_of(chain), address(name))


def hash_of(name: str) -> str:
    """A transaction hash that stands for ``name``."""
    return "0x" + blake2b(name.encode(), digest_size=32).hexdigest()


def transaction_id_of(name: str) -> TransactionId:
    """The id of the transaction called ``name``."""
    return TransactionId(f"{ETHEREUM.id}:{hash_of(name)}")


def erc20(name: str) -> TokenId:
    """The token called ``name``."""
    return token_id(ETHEREUM, address(name))


def token(name: str, *, decimals: int | None = 18, symbol: str | None = None) -> Token:
    """A token's own facts."""
    return Token(
        id=erc20(name),
        chain=ChainId(ETHEREUM.id),
        address=address(name),
        symbol=symbol or name,
        name=name,
        decimals=decimals,
    )


def transfer(
    sender: str,
    recipient: str,
    *,
    amount_raw: int | None = 10**18,
    tx: str = "tx",
    log: int = 0,
    token: TokenId | None = ETHER,
    block: int | None = 100,
    at: int | None = NOON,
    **rest: Any,
) -> Transfer:
    """One transfer, by default of one ether in block 100."""
    identity = transfer_id(transaction_id_of(tx), f"log:{log}")
    return Transfer(
        id=identity,
        chain=ChainId(ETHEREUM.id),
        transaction=transaction_id_of(tx),
        position=f"log:{log}",
        order=order_key(identity, block_number=block, position=f"log:{log}"),
        sender=wallet(sender),
        recipient=wallet(recipient),
        token=token,
        amount_raw=amount_raw,
        block_number=block,
        block_time=at,
        **rest,
    )


def transaction(
    sender: str,
    recipient: str | None,
    *,
    tx: str,
    value_raw: int = 10**18,
    block: int | None = 100,
    at: int | None = NOON,
    **rest: Any,
) -> Transaction:
    """One signed transaction, by default a payment of one ether."""
    return Transaction(
        id=transaction_id_of(tx),
        chain=ChainId(ETHEREUM.id),
        hash=hash_of(tx),
        sender=wallet(sender),
        recipient=None if recipient is None else wallet(recipient),
        value_raw=value_raw,
        block_number=block,
        block_time=at,
        **rest,
    )


class Ledger:
    """A writer that holds every chain's lease."""

    def __init__(self, graph: Graph, writer: LedgerWriter) -> None:
        self.graph, self.writer = graph, writer

    @classmethod
    @asynccontextmanager
    async def open(cls, graph: Graph) -> AsyncIterator[Self]:
        """Take the leases; give them back at the end."""
        held = []
        for name in (leases.ACTORS, *(chain.id for chain in CHAINS)):
            lease = await leases.take(graph, name, holder="tests", now=NOW, lasts=LEASE_LASTS)
            assert lease is not None
            held.append(lease)
        yield cls(graph, LedgerWriter(graph, held, clock=lambda: NOW))
        for lease in held:
            await leases.release(graph, lease)

    async def write(self, *records: Record) -> Counts:
        """Write ``records`` as one batch."""
        return await self.writer.write(records)


async def snapshot(graph: Graph) -> dict[str, Sequence[Any]]:
    """Everything in the graph but its bookkeeping, comparable between loads."""
    nodes = await graph.run_alone(
        "MATCH (n) WHERE NOT labels(n)[0] IN $bookkeeping "
        "RETURN labels(n)[0] AS label, properties(n) AS properties",
        bookkeeping=["Migration", "Lease", "Checkpoint", "Scanner", "Outbox", "Line", "Detector"],
    )
    for row in nodes:
        if row["label"] == "Block":
            # How blocks are taken back is no fact.
            row["properties"] = {
                name: value
                for name, value in row["properties"].items()
                if name not in ("announced", "undo", "noted", "confirmed")
            }
        if row["label"] == "Transfer":
            row["properties"].pop("final", None)
    ties = await graph.run_alone(
        "MATCH (a)-[r]->(b) RETURN type(r) AS type, a.id AS start, b.id AS end, r.id AS id"
    )
    return {
        "nodes": sorted((row["label"], str(sorted(row["properties"].items()))) for row in nodes),
        "ties": sorted(
            (row["type"], str(row["start"]), str(row["end"]), str(row["id"])) for row in ties
        ),
    }


def difference(one: dict[str, Sequence[Any]], other: dict[str, Sequence[Any]]) -> str:
    """What only one of two snapshots has, a line each; empty when they are equal."""
    first, second = (Counter(map(str, (*some["nodes"], *some["ties"]))) for some in (one, other))
    lost = [f"- {line}" for line in sorted((first - second).elements())]
    return "\n".join(lost + [f"+ {line}" for line in sorted((second - first).elements())])
