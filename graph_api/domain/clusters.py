"""Who may be one: evidence that links two wallets, and the clusters that follow from it."""

from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TransactionId, chain_id_of

_CLUSTER: Final = "cluster:"


class Heuristic(StrEnum):
    """Why two wallets may be one; docs/methods.md defines each."""

    MULTI_INPUT = "multi_input"
    ONE_TIME_CHANGE = "one_time_change"
    OPTIMAL_CHANGE = "optimal_change"
    ROUND_PAYMENT = "round_payment"
    DEPOSIT_REUSE = "deposit_reuse"
    DEPOSIT_ADDRESS = "deposit_address"
    DEPOSIT_TOPOLOGY = "deposit_topology"
    AIRDROP = "airdrop"
    SELF_AUTHORISATION = "self_authorisation"
    FIRST_FUNDER = "first_funder"
    FEE_PAYER = "fee_payer"


#: How sure each kind of evidence is, a fraction in (0, 1]: ours, and the same on every chain.
CONFIDENCE: Final = {
    Heuristic.MULTI_INPUT: 0.95,
    Heuristic.ONE_TIME_CHANGE: 0.5,
    Heuristic.OPTIMAL_CHANGE: 0.3,
    Heuristic.ROUND_PAYMENT: 0.3,
    Heuristic.DEPOSIT_REUSE: 0.8,
    Heuristic.DEPOSIT_ADDRESS: 0.8,
    Heuristic.DEPOSIT_TOPOLOGY: 0.6,
    Heuristic.AIRDROP: 0.7,
    Heuristic.SELF_AUTHORISATION: 0.55,
    Heuristic.FIRST_FUNDER: 0.4,
    Heuristic.FEE_PAYER: 0.45,
}
#: Evidence that is less sure is reported and merges nothing, unless a question asks for less.
THRESHOLD: Final = 0.6
#: A cluster of more wallets is taken for several that a wrong link joins.
LARGEST: Final = 50_000


class Evidence(msgspec.Struct, frozen=True):
    """One reason to take two wallets for one: the earliest of its kind for the pair.

    ``start`` sorts before ``end``. ``block_number`` is the block from which on the reason holds.
    """

    heuristic: Heuristic
    start: AccountId
    end: AccountId
    transaction: TransactionId | None = None
    block_number: int | None = None
    confidence: float = 1.0

    @property
    def id(self) -> str:
        """The same for the same reason and pair; ids of a chain begin alike."""
        pair = blake2b(f"{self.start}|{self.end}".encode(), digest_size=12).hexdigest()
        return f"{chain_id_of(self.start)}|{self.heuristic}|{pair}"


def link(
    heuristic: Heuristic,
    one: AccountId,
    other: AccountId,
    *,
    transaction: TransactionId | None,
    block_number: int | None,
) -> Evidence:
    """Evidence of the confidence that its kind has."""
    start, end = sorted((one, other))
    return Evidence(heuristic, start, end, transaction, block_number, CONFIDENCE[heuristic])


class Suspicion(StrEnum):
    """Why a cluster was not merged as far as its evidence goes."""

    TOO_LARGE = "too_large"
    TWO_ACTORS = "two_actors"


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Wallets that are taken for one.

    ``members`` are sorted. ``actor`` is the only one that labels name of them. ``refused`` are the
    links that would have made it part of something larger, which ``suspicion`` says is wrong.
    """

    members: tuple[AccountId, ...]
    actor: str | None = None
    suspicion: Suspicion | None = None
    refused: tuple[Evidence, ...] = ()

    @property
    def id(self) -> str:
        """Named by its first wallet."""
        return cluster_id(self.members[0])


def cluster_id(anchor: AccountId) -> str:
    """The id of the cluster whose first wallet, in text order, is ``anchor``.

    When clusters merge, the first wallet of both names them, and the other id leads there: it
    names a wallet, and that wallet has a cluster.
    """
    return _CLUSTER + anchor


def anchor_of(cluster: str) -> AccountId | None:
    """The wallet that an id names; None where it is no id of a cluster."""
    return AccountId(cluster.removeprefix(_CLUSTER)) if cluster.startswith(_CLUSTER) else None


@lru_cache(maxsize=1_000)
def id_bounds(chain: ChainId) -> tuple[str, str]:
    """Ids of all clusters of a chain lie between these two."""
    return f"{_CLUSTER}{chain}:", f"{_CLUSTER}{chain};"
