"""What wallets do: counterparties, calls of contracts, approvals, swaps, outputs of coins."""

from datetime import datetime
from typing import ClassVar, Final

import strawberry

from graph_api.domain.amounts import units
from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, TokenId, TransactionId
from graph_api.schema.ledger import Token, Transaction, Wallet
from graph_api.schema.made import Made, one_kept
from graph_api.schema.paging import Paging
from graph_api.schema.scalars import BigInt, big_int
from graph_api.schema.steps import batched, extends
from graph_api.services import counterparties
from graph_api.store import approvals, calls, outputs, swaps, tokens, transactions, wallets
from graph_api.store.approvals import ApprovalRow
from graph_api.store.flows import CounterpartyRow, FlowRow
from graph_api.store.outputs import OutputRow
from graph_api.store.swaps import SwapRow

_MANY: Final = Paging(default=100, ceiling=1_000)


@strawberry.type(description="What moved one way between two wallets, of one token.")
class FlowTotals:
    """Totals of one ordered pair."""

    transfers: int = strawberry.field(description="How many transfers.")
    amount_raw: BigInt | None = strawberry.field(
        description="Exact sum in base units; null where one of them has no known amount."
    )
    amount: float | None = strawberry.field(
        description="The sum in whole units, rounded, to chart; null where it is unknown."
    )
    usd: float | None = strawberry.field(
        description="Sum in US dollars of those that are priced; null until one is."
    )
    first_at: datetime | None = strawberry.field(description="Time of the earliest, where known.")
    last_at: datetime | None = strawberry.field(description="Time of the latest, where known.")

    of: ClassVar[Made[FlowRow, "FlowTotals"]] = Made(
        FlowRow,
        transfers="transfers",
        amount_raw="amount_raw",  # decimal text there and here
        amount="amount",
        usd="usd",
        first_at="first_at",
        last_at="last_at",
    )


@strawberry.type(description="What moved between a wallet and one other, of one token.")
class Counterparty:
    """Both ways of one pair."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id of the other wallet.")
    token_id: TokenId | None = strawberry.field(
        description="CAIP-19 id of the token; null for transfers that name none."
    )
    transfers: int = strawberry.field(description="How many transfers, both ways.")
    sent_row: strawberry.Private[FlowRow | None]
    received_row: strawberry.Private[FlowRow | None]

    sent: FlowTotals | None = strawberry.field(
        resolver=one_kept(FlowTotals.of, lambda root: root.sent_row),
        description="What the wallet sent to the other; null where it sent nothing.",
    )
    received: FlowTotals | None = strawberry.field(
        resolver=one_kept(FlowTotals.of, lambda root: root.received_row),
        description="What the wallet received from the other; null where it received nothing.",
    )

    wallet: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="The other wallet."
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What moved."
    )

    of: ClassVar[Made[CounterpartyRow, "Counterparty"]] = Made(
        CounterpartyRow,
        account_id="counterparty",
        token_id="token",  # noqa: S106
        transfers="transfers",
        sent_row="sent",
        received_row="received",
        sent="sent",
        received="received",
    )


@strawberry.type(description="Calls of one method of a contract.")
class MethodCalls:
    """How often, and how often in vain."""

    method_id: str | None = strawberry.field(
        description="Its selector, such as `0xa9059cbb`; null for coins sent without a call."
    )
    calls: int = strawberry.field(description="How many transactions called it.")
    failed: int = strawberry.field(description="How many of them failed, as far as receipts say.")
    first_at: datetime | None = strawberry.field(description="Time of the earliest, where known.")
    last_at: datetime | None = strawberry.field(description="Time of the latest, where known.")


@strawberry.type(description="A contract that a wallet called.")
class ContractUse:
    """Its calls by method."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id of the contract.")
    calls: int = strawberry.field(description="How many transactions called it.")
    methods: list[MethodCalls] = strawberry.field(
        description="The same by method, the most called first."
    )

    contract: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="The contract."
    )


@strawberry.type(description="Contracts that a wallet called by its own transactions.")
class Interactions:
    """Counted over the newest transactions."""

    contracts: list[ContractUse] = strawberry.field(description="The most called first.")
    transactions: int = strawberry.field(description="How many transactions were looked at.")
    complete: bool = strawberry.field(
        description=f"False where it signed more than the {calls.NEWEST:,} newest that count here."
    )

    @classmethod
    def of(cls, found: calls.Interactions) -> "Interactions":
        """As clients see it."""
        return cls(
            contracts=[
                ContractUse(
                    account_id=used.contract,
                    calls=used.calls,
                    methods=[
                        MethodCalls(
                            method_id=row.method_id,
                            calls=row.calls,
                            failed=row.failed,
                            first_at=row.first_at,
                            last_at=row.last_at,
                        )
                        for row in used.methods
                    ],
                )
                for used in found.contracts
            ],
            transactions=found.scanned,
            complete=found.complete,
        )


@strawberry.type(description="An ERC-20 Approval event: the owner lets a spender move tokens.")
class Approval:
    """What was allowed; a later approval of the same pair replaces it."""

    event_id: str = strawberry.field(description="Chain, transaction hash and log: `…:log:7`.")
    owner_id: AccountId = strawberry.field(description="CAIP-10 id of who allows it.")
    spender_id: AccountId = strawberry.field(description="CAIP-10 id of who may move the tokens.")
    token_id: TokenId = strawberry.field(description="CAIP-19 id of the token.")
    amount_raw: BigInt = strawberry.field(
        description="How much may be moved, in base units; 0 takes an approval back."
    )
    block_number: int | None = strawberry.field(description="Its block, where known.")
    block_time: datetime | None = strawberry.field(description="When it was given, where known.")

    spender: Wallet | None = batched(
        wallets.by_ids, key="spender_id", of=Wallet.of, description="Who may move the tokens."
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What may be moved."
    )

    @classmethod
    def of(cls, row: ApprovalRow) -> "Approval":
        """The approval of a row."""
        return cls(
            event_id=row.id,
            owner_id=row.owner,
            spender_id=row.spender,
            token_id=row.token,
            amount_raw=BigInt(int(row.amount_raw)),
            block_number=row.block_number,
            block_time=row.block_time,
        )


@strawberry.type(description="A Swap event of a pool of a decentralised exchange.")
class Swap:
    """What a pool took in and paid out."""

    event_id: str = strawberry.field(description="Chain, transaction hash and log: `…:log:7`.")
    protocol: str = strawberry.field(
        description="The shape of its event, such as `uniswap_v2` or `uniswap_v3`."
    )
    pool_id: AccountId = strawberry.field(description="CAIP-10 id of the pool contract.")
    sender_id: AccountId = strawberry.field(description="CAIP-10 id of who called the pool.")
    recipient_id: AccountId = strawberry.field(description="CAIP-10 id of who was paid.")
    amount0_raw: BigInt = strawberry.field(
        description="The pool's first token in base units, into (+) or out of (-) the pool."
    )
    amount1_raw: BigInt = strawberry.field(
        description="The pool's second token in base units, into (+) or out of (-) the pool."
    )
    block_number: int | None = strawberry.field(description="Its block, where known.")
    block_time: datetime | None = strawberry.field(description="When it happened, where known.")

    pool: Wallet | None = batched(
        wallets.by_ids, key="pool_id", of=Wallet.of, description="The pool contract."
    )

    @classmethod
    def of(cls, row: SwapRow) -> "Swap":
        """The swap of a row."""
        return cls(
            event_id=row.id,
            protocol=row.protocol,
            pool_id=row.pool,
            sender_id=row.sender,
            recipient_id=row.recipient,
            amount0_raw=BigInt(int(row.amount0_raw)),
            amount1_raw=BigInt(int(row.amount1_raw)),
            block_number=row.block_number,
            block_time=row.block_time,
        )


@strawberry.type(
    description="An output of a UTXO transaction: coins that one transaction can spend."
)
class Output:
    """A fact of the chain, unlike the transfers that are read from it."""

    index: int = strawberry.field(description="Its number in the transaction that created it.")
    owner_id: AccountId | None = strawberry.field(
        description="CAIP-10 id of its owner; null where no single address owns it."
    )
    amount_raw: BigInt | None = strawberry.field(
        description="Base units (satoshi); null while the transaction that created it is unknown."
    )
    amount: float | None = strawberry.field(description="The same in whole coins, to chart.")
    script: str | None = strawberry.field(description="Its script, where it says more.")
    spent: bool = strawberry.field(description="Whether a loaded transaction spends it.")
    created_by_key: strawberry.Private[TransactionId]

    created_by: Transaction | None = batched(
        transactions.by_ids,
        key="created_by_key",
        of=Transaction.of,
        description="The transaction that created it; null while that is not loaded.",
    )
    owner: Wallet | None = batched(
        wallets.by_ids, key="owner_id", of=Wallet.of, description="Who owns or owned it."
    )

    @classmethod
    def of(cls, row: OutputRow) -> "Output":
        """The output of a row."""
        amount = big_int(row.amount_raw)
        creator, _, index = row.id.rpartition(":")
        decimals = chain_of(row.chain).decimals
        return cls(
            index=int(index),
            owner_id=row.owner,
            amount_raw=amount,
            amount=None if amount is None else units(amount, decimals),
            script=row.script,
            spent=row.spent,
            created_by_key=TransactionId(creator),
        )


@extends(Wallet)
class WalletActivity:
    """What a wallet does."""

    counterparties: list[Counterparty] | None = batched(
        counterparties.counterparties,
        key="flow_degree",
        of=Counterparty.of,
        paging=Paging(default=20, ceiling=500),
        cost=5,
        arguments={
            "direction": "OUT whom it sent to, IN whom it received from.",
            "token": "Only of this token.",
            "since": "Only where something moved that way since then; totals are of all time. "
            "Refused where no time is known.",
        },
        description=(
            "Who moved value with it, by wallet and token, the one with the most transfers first. "
            "Exact totals; bounded on wallets with millions of partners."
        ),
    )
    interactions: Interactions = batched(
        calls.interactions,
        key="account_id",
        of=Interactions.of,
        cost=20,
        description="Contracts that it called by its own transactions, with counts.",
    )
    approvals: list[Approval] = batched(
        approvals.of_wallets,
        key="account_id",
        of=Approval.of,
        description="ERC-20 approvals that it gave, the newest first.",
    )


@extends(Transaction)
class TransactionActivity:
    """What happened within a transaction beside its transfers."""

    swaps: list[Swap] = batched(
        swaps.of_transactions,
        key="transaction_key",
        of=Swap.of,
        description="Swaps on decentralised exchanges that it made.",
    )
    inputs: list[Output] = batched(
        outputs.spent_by,
        key="transaction_key",
        of=Output.of,
        paging=_MANY,
        description="Outputs that it spends; empty on account chains and for block rewards.",
    )
    outputs: list[Output] = batched(
        outputs.created_by,
        key="transaction_key",
        of=Output.of,
        paging=_MANY,
        description="Outputs that it creates, in their order; empty on account chains.",
    )
