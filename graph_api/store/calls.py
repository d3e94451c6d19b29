"""Questions about which contracts wallets call."""

from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.ids import AccountId
from graph_api.domain.positions import page_key
from graph_api.store.graph import Graph
from graph_api.store.streams import END

#: How many of a wallet's newest transactions are looked through.
NEWEST: Final = 5_000


class CallRow(msgspec.Struct, frozen=True):
    """Calls of one method of one contract among the newest transactions of a wallet; without a
    contract, all its payments.
    """

    owner: AccountId
    scanned: int
    contract: AccountId | None
    method_id: str | None
    calls: int
    failed: int
    first_at: datetime | None
    last_at: datetime | None


class ContractCalls(msgspec.Struct, frozen=True, kw_only=True):
    """A wallet's calls of one contract."""

    contract: AccountId
    methods: list[CallRow]

    @property
    def calls(self) -> int:
        """Of all methods."""
        return sum(row.calls for row in self.methods)


class Interactions(msgspec.Struct, frozen=True, kw_only=True):
    """Contracts that a wallet called, the most called first, in its ``scanned`` newest
    transactions; ``complete`` tells whether those are all that are loaded.
    """

    contracts: list[ContractCalls]
    scanned: int
    complete: bool


async def interactions(graph: Graph, wallets: list[AccountId]) -> dict[AccountId, Interactions]:
    """The contracts that each wallet called."""
    branches = [
        {"owner": wallet, "after": page_key(wallet, ""), "end": page_key(wallet, END)}
        for wallet in wallets
    ]
    rows = await graph.read_each("calls/of_wallets", CallRow, branches, scan=NEWEST)
    by_wallet: dict[AccountId, list[CallRow]] = {wallet: [] for wallet in wallets}
    for row in rows:
        by_wallet[row.owner].append(row)
    return {wallet: _interactions(found) for wallet, found in by_wallet.items()}


def _interactions(rows: list[CallRow]) -> Interactions:
    by_contract: dict[AccountId, list[CallRow]] = {}
    for row in sorted(rows, key=lambda row: (-row.calls, row.method_id or "")):
        if row.contract is not None:
            by_contract.setdefault(row.contract, []).append(row)
    contracts = [
        ContractCalls(contract=contract, methods=methods)
        for contract, methods in by_contract.items()
    ]
    contracts.sort(key=lambda one: (-one.calls, one.contract))
    scanned = max((row.scanned for row in rows), default=0)
    return Interactions(contracts=contracts, scanned=scanned, complete=scanned < NEWEST)
