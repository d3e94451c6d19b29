"""Small facts of one chain."""

from typing import Final

from graph_api.analysis.clustering.deposits import Deposits
from graph_api.analysis.clustering.facts import Facts, Known, Move
from graph_api.domain.clusters import Evidence, Heuristic
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.domain.records import Output, Spend, UtxoTransaction
from tests.given import BITCOIN, ETHER, ETHEREUM, NOON, wallet

HOUR: Final = 3_600_000
HOT: Final = wallet("hot")


def move(
    sender: str | None,
    recipient: str,
    amount_raw: int | None = 10**18,
    *,
    hours: float | None = 0,
    token: str | None = ETHER,
) -> Move:
    """A transfer so many hours after noon."""
    at = None if hours is None else NOON + round(hours * HOUR)
    block = None if hours is None else 1_000 + round(hours * 300)
    return Move(
        None if sender is None else wallet(sender),
        wallet(recipient),
        token,  # type: ignore[arg-type]
        amount_raw,
        block,
        at,
        TransactionId(f"{ETHEREUM.id}:{sender}-{recipient}-{hours}"),
        f"{sender}{recipient}",
    )


def facts(*moves: Move, **known: Known) -> Facts:
    """Facts of Ethereum where ``hot`` is an exchange's."""
    exchange = Known(actor="exchange", service=True, collects=True)
    labels = {"hot": exchange, **known}
    found = Facts(ChainId(ETHEREUM.id), {wallet(name): one for name, one in labels.items()})
    found.add_moves(moves)
    return found


def linked(facts: Facts, heuristic: Heuristic = Heuristic.DEPOSIT_REUSE) -> set[frozenset[str]]:
    """The pairs of wallets that deposits link."""
    return pairs(one for one in Deposits(facts).evidence() if one.heuristic is heuristic)


def pairs(evidence: object) -> set[frozenset[str]]:
    """The two ends of each link."""
    return {frozenset((one.start, one.end)) for one in evidence}  # type: ignore[attr-defined]


def pair(one: str, other: str) -> frozenset[str]:
    """Two wallets by their names."""
    return frozenset((wallet(one), wallet(other)))


def coins(
    name: str,
    inputs: list[tuple[str, int]],
    outputs: list[tuple[str, int]],
    *,
    block: int = 100,
    coinbase: bool = False,
) -> UtxoTransaction:
    """A UTXO transaction of owners and amounts."""
    id = TransactionId(f"{BITCOIN.id}:{name}")
    return UtxoTransaction(
        id=id,
        chain=ChainId(BITCOIN.id),
        hash=name,
        block_number=block,
        block_time=None,
        index=0,
        coinbase=coinbase,
        inputs=tuple(
            Spend(output=f"{id}:before:{place}", owner=holder(owner), amount_raw=amount)
            for place, (owner, amount) in enumerate(inputs)
        ),
        outputs=tuple(
            Output(id=f"{id}:{place}", owner=holder(owner), amount_raw=amount)
            for place, (owner, amount) in enumerate(outputs)
        ),
    )


def holder(name: str) -> AccountId:
    """An address of the old kind that stands for ``name``."""
    return AccountId(f"{BITCOIN.id}:1{name}")


def evidence(
    one: str,
    other: str,
    confidence: float = 0.8,
    *,
    block: int | None = 1,
    heuristic: Heuristic = Heuristic.DEPOSIT_REUSE,
) -> Evidence:
    """A link between wallets that are named as they are."""
    start, end = sorted((one, other))
    return Evidence(
        heuristic,
        AccountId(f"{ETHEREUM.id}:{start}"),
        AccountId(f"{ETHEREUM.id}:{end}"),
        TransactionId(f"{ETHEREUM.id}:{one}{other}"),
        block,
        confidence,
    )
