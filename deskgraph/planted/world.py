"""A planted world: facts as sources tell them, and the truth that no source tells."""

from collections.abc import Iterable
from typing import Final

import msgspec

from deskgraph.sample import cast
from graph_api.domain.chains import Chain, Family, chain_of
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    TransferId,
    account_id,
    token_id,
)
from graph_api.domain.records import Label, Record
from graph_api.domain.scripts import witness_address

ETHEREUM: Final = chain_of("ethereum")
POLYGON: Final = chain_of("polygon")
BITCOIN: Final = chain_of("bitcoin")
#: 1 January 2026, the first moment, in epoch milliseconds.
BEGINS: Final = 1_767_225_600_000
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Exit(msgspec.Struct, frozen=True):
    """Where loot left the open: how much of what reached a service."""

    wallet: AccountId
    actor: str
    token: TokenId
    amount_raw: int


class Loot(msgspec.Struct, frozen=True, kw_only=True):
    """Stolen money and its way: it meets no other money before it leaves, so that every policy of
    tracing has to find the same.

    Args:
        seeds: The transfers by which it was stolen.
        thief: The first wallet that held it.
        swaps: Transactions in which it became another token.
        bridges: The transfers by which it crossed a bridge, in and out.
        exits: Where it left.
    """

    seeds: tuple[TransferId, ...]
    thief: AccountId
    swaps: tuple[TransactionId, ...]
    bridges: tuple[tuple[TransferId, TransferId], ...]
    exits: tuple[Exit, ...]


class Truth(msgspec.Struct, kw_only=True):
    """What really holds.

    Args:
        owners: Who owns each wallet: people, businesses, nobody twice.
        deposits: Deposit addresses, and which customer of the exchange each belongs to.
        payers: For each deposit address, the customer's own wallets that paid into it.
        farms: Wallets of each airdrop farmer that passed their gift on.
        spends: For each person, groups of addresses that one transaction spent.
        joins: Transactions that several people signed together.
        loots: Stolen money.
        swaps: Transactions in which somebody gave tokens for others.
        bridges: Pairs of transfers: into a bridge on one chain, out of it on another.
    """

    owners: dict[AccountId, str] = msgspec.field(default_factory=dict)
    deposits: dict[AccountId, str] = msgspec.field(default_factory=dict)
    payers: dict[AccountId, set[AccountId]] = msgspec.field(default_factory=dict)
    farms: dict[str, set[AccountId]] = msgspec.field(default_factory=dict)
    spends: list[frozenset[AccountId]] = msgspec.field(default_factory=list)
    joins: set[TransactionId] = msgspec.field(default_factory=set)
    loots: list[Loot] = msgspec.field(default_factory=list)
    swaps: set[TransactionId] = msgspec.field(default_factory=set)
    bridges: set[tuple[TransferId, TransferId]] = msgspec.field(default_factory=set)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of several chains in the order of their blocks, labels after them, and the truth."""

    seed: int
    records: list[Record]
    truth: Truth

    def of_chain(self, chain: ChainId) -> Iterable[Record]:
        """What belongs to one chain; labels and actors belong to all."""
        return (one for one in self.records if getattr(one, "chain", chain) == chain)

    def labels(self) -> Iterable[Label]:
        """What the public knows."""
        return (one for one in self.records if isinstance(one, Label))


def wallet(seed: int, role: str, chain: Chain = ETHEREUM) -> AccountId:
    """The account that stands for ``role``."""
    if chain.family is Family.UTXO:
        return AccountId(f"{chain.id}:{witness_address(0, cast.digest(seed, role)[:20])}")
    return account_id(chain, cast.address(seed, role))


def erc20(seed: int, name: str, chain: Chain = ETHEREUM) -> TokenId:
    """The token called ``name``."""
    return token_id(chain, cast.address(seed, f"token {name}"))
