"""What wallets use decentralised finance for: protocols that they called, swaps that they made."""

from datetime import datetime
from typing import Final

import strawberry

from graph_api.domain.ids import AccountId
from graph_api.schema.activity import Swap
from graph_api.schema.labels import AS_OF, Label
from graph_api.schema.ledger import Wallet
from graph_api.schema.steps import batched, extends
from graph_api.services import protocols
from graph_api.services.protocols import ProtocolUse as Use
from graph_api.store import calls, swaps, wallets

_NEWEST: Final = f"Of its {calls.NEWEST:,} newest transactions."


@strawberry.type(description="A labelled contract of a protocol, and how a wallet used it.")
class ProtocolUse:
    """Calls of one contract."""

    contract_id: AccountId = strawberry.field(description="CAIP-10 id of the contract.")
    label: Label = strawberry.field(description="The surest label that says what it is.")
    calls: int = strawberry.field(description="How many transactions of the wallet called it.")
    failed: int = strawberry.field(
        description="How many of them failed, as far as receipts are loaded."
    )
    first_at: datetime | None = strawberry.field(description="Time of the earliest, where known.")
    last_at: datetime | None = strawberry.field(description="Time of the latest, where known.")

    contract: Wallet | None = batched(
        wallets.by_ids, key="contract_id", of=Wallet.of, description="The contract."
    )

    @classmethod
    def of(cls, use: Use) -> "ProtocolUse":
        """As clients see it."""
        return cls(
            contract_id=use.contract,
            label=Label.of(use.label),
            calls=use.calls,
            failed=use.failed,
            first_at=use.first_at,
            last_at=use.last_at,
        )


@extends(Wallet)
class WalletProtocols:
    """What a wallet uses."""

    uses_defi: bool = batched(
        protocols.used_by,
        key="account_id",
        cost=20,
        arguments={"as_of": AS_OF},
        description=(
            "Whether it called a contract that labels place in decentralised finance (exchanges, "
            f"lending, bridges …), and not in vain. {_NEWEST}"
        ),
    )
    protocols: list[ProtocolUse] = batched(
        protocols.of_wallets,
        key="account_id",
        of=ProtocolUse.of,
        cost=20,
        arguments={"as_of": AS_OF},
        description=(
            "Labelled contracts of decentralised finance that it called, the most called first. "
            f"{_NEWEST}"
        ),
    )
    dex_swaps: list[Swap] = batched(
        swaps.of_wallets,
        key="account_id",
        of=Swap.of,
        cost=20,
        description=(
            "Swaps on decentralised exchanges that its own transactions made, the newest first. "
            f"{_NEWEST}"
        ),
    )
