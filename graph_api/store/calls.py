"""Questions about which contracts wallets call."""

from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.ids import AccountId
from graph_api.domain.positions import page_key
from graph_api.domain.records import WalletKind
from graph_api.store.graph import Graph
from graph_api.store.streams import END
from graph_api.store.wallets import by_ids

#: How many of a wallet's newest transactions are looked through.
NEWEST: Final = 5_000


class CallRow(msgspec.Struct, frozen=True):
    """Calls of one method of one recipient among the newest transactions of a wallet; without a
    method they are payments, unless a contract receives them.
    """

    owner: AccountId
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
    # Coins sent without a selector are a call where a contract receives them.
    plain = list({row.contract: None for row in rows if row.contract and row.method_id is None})
    known = await by_ids(graph, plain) if plain else {}
    contracts = {key for key, row in known.items() if row.kind == WalletKind.CONTRACT}
    by_wallet: dict[AccountId, list[CallRow]] = {wallet: [] for wallet in wallets}
    for row in rows:
        by_wallet[row.owner].append(row)
    return {wallet: _interactions(found, contracts) for wallet, found in by_wallet.items()}


def _interactions(rows: list[CallRow], contracts: set[AccountId]) -> Interactions:
    by_contract: dict[AccountId, list[CallRow]] = {}
    for row in sorted(rows, key=lambda row: (-row.calls, row.method_id or "")):
        called = row.method_id is not None or row.contract in contracts
        if called and row.contract is not None:
            by_contract.setdefault(row.contract, []).append(row)
    uses = [
        ContractCalls(contract=contract, methods=methods)
        for contract, methods in by_contract.items()
    ]
    uses.sort(key=lambda one: (-one.calls, one.contract))
    scanned = sum(row.calls for row in rows)
    return Interactions(contracts=uses, scanned=scanned, complete=scanned < NEWEST)
