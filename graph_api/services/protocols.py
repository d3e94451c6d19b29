"""Which protocols a wallet uses: the contracts that it called and that somebody has labelled."""

from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.categories import DEFI
from graph_api.domain.ids import AccountId
from graph_api.store import calls, labels
from graph_api.store.graph import Graph
from graph_api.store.labels import LabelRow

#: How many labels of a contract are looked at, the surest of them.
_LABELS: Final = 50


class ProtocolUse(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet's calls of one contract of a protocol, and the label that says so."""

    contract: AccountId
    label: LabelRow
    calls: int
    failed: int
    first_at: datetime | None
    last_at: datetime | None


async def of_wallets(
    graph: Graph,
    wallets: list[AccountId],
    *,
    as_of: datetime | None = None,
    now: datetime,
    first: int,
) -> dict[AccountId, list[ProtocolUse]]:
    """The contracts of decentralised finance that each wallet called, the most called first.

    ``as_of`` says whose labels count; calls are those of the newest loaded transactions.
    """
    used = await calls.interactions(graph, wallets)
    called = {one.contract for found in used.values() for one in found.contracts}
    said = await labels.of_wallets(graph, sorted(called), as_of=as_of, now=now, first=_LABELS)
    protocols = {
        contract: label
        for contract, rows in said.items()
        if (label := next((row for row in rows if row.category in DEFI), None)) is not None
    }
    return {
        wallet: [
            _use(one, protocols[one.contract])
            for one in found.contracts
            if one.contract in protocols
        ][:first]
        for wallet, found in used.items()
    }


async def used_by(
    graph: Graph, wallets: list[AccountId], *, as_of: datetime | None = None, now: datetime
) -> dict[AccountId, bool]:
    """Whether each wallet called a contract of decentralised finance, and not in vain."""
    found = await of_wallets(graph, wallets, as_of=as_of, now=now, first=calls.NEWEST)
    return {wallet: any(use.calls > use.failed for use in uses) for wallet, uses in found.items()}


def _use(called: calls.ContractCalls, label: LabelRow) -> ProtocolUse:
    return ProtocolUse(
        contract=called.contract,
        label=label,
        calls=called.calls,
        failed=sum(row.failed for row in called.methods),
        first_at=min((row.first_at for row in called.methods if row.first_at), default=None),
        last_at=max((row.last_at for row in called.methods if row.last_at), default=None),
    )
