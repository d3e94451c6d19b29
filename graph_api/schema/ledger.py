"""The ledger's types, which name each other: chains, wallets, tokens, transfers, transactions."""

from datetime import datetime
from functools import partial
from typing import ClassVar, Final

import strawberry

from graph_api.domain.addresses import shown_address
from graph_api.domain.amounts import units
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId
from graph_api.domain.records import WalletKind
from graph_api.schema.inputs import (
    TransactionFilterInput,
    TransactionStatus,
    TransferFilterInput,
)
from graph_api.schema.made import From, Later, Made
from graph_api.schema.node import Node, found_by, global_id
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import BigInt, TransactionHash, big_int
from graph_api.schema.steps import Argument, batched
from graph_api.services.balances import Supply
from graph_api.store import chains, tokens, transactions, transfers, wallets
from graph_api.store.chains import ChainRow
from graph_api.store.flows import FlowDegree
from graph_api.store.tokens import TokenRow
from graph_api.store.transactions import TransactionRow
from graph_api.store.transfers import TransferRow
from graph_api.store.wallets import WalletRow

#: How long lists of transfers and of transactions may be.
LONG: Final = Paging(default=20, ceiling=1_000)

TRANSFER_FILTER: Final = Argument(
    "Conditions that all must hold. Where few transfers meet them, a page may stop early: see "
    "`pageInfo.stopped`.",
    type=TransferFilterInput | None,
)
TRANSACTION_FILTER: Final = Argument(
    "Conditions that all must hold. Where few transactions meet them, a page may stop early: see "
    "`pageInfo.stopped`.",
    type=TransactionFilterInput | None,
)

strawberry.enum(Family, name="ChainFamily", description="How a chain keeps value.")


@found_by(chains.by_ids)
@strawberry.type(description="A chain, and how much of it is loaded.")
class Chain(Node):
    """One row of the chain table with its counters."""

    node_key: ClassVar[str] = "chain_id"

    chain_id: ChainId = strawberry.field(description="CAIP-2, such as `eip155:1`.")
    slug: str = strawberry.field(description="The short name, such as `ethereum`.")
    name: str = strawberry.field(description="As people call it, such as `Ethereum`.")
    family: Family = strawberry.field(description="How it keeps value.")
    symbol: str = strawberry.field(description="Symbol of its own coin, such as `ETH`.")
    decimals: int = strawberry.field(description="Digits after the point of one coin.")
    finality_depth: int = strawberry.field(
        description="Blocks after which a block is treated as final."
    )
    native_token_id: TokenId = strawberry.field(description="CAIP-19 id of its own coin.")
    blocks: BigInt = strawberry.field(description="Blocks loaded.")
    transactions: BigInt = strawberry.field(
        description="Transactions loaded, those included of which only events are known."
    )
    transfers: BigInt = strawberry.field(description="Transfers loaded.")
    wallets: BigInt = strawberry.field(description="Wallets known.")
    first_block: int | None = strawberry.field(description="Lowest block with facts.")
    last_block: int | None = strawberry.field(description="Highest block with facts.")
    first_at: datetime | None = strawberry.field(description="Earliest time of a fact.")
    last_at: datetime | None = strawberry.field(description="Latest time of a fact.")

    native_token: "Token | None" = batched(
        tokens.by_ids,
        key="native_token_id",
        of=Later(lambda: Token.of),
        description="Its own coin; null while none of its facts are loaded.",
    )

    @classmethod
    def of(cls, row: ChainRow) -> "Chain":
        """The chain of a row."""
        chain = chain_of(row.id)
        return cls(
            chain_id=ChainId(chain.id),
            slug=chain.slug,
            name=chain.name,
            family=chain.family,
            symbol=chain.symbol,
            decimals=chain.decimals,
            finality_depth=chain.finality_depth,
            native_token_id=TokenId(chain.native),
            blocks=BigInt(row.blocks),
            transactions=BigInt(row.transactions),
            transfers=BigInt(row.transfers),
            wallets=BigInt(row.wallets),
            first_block=row.first_block,
            last_block=row.last_block,
            first_at=row.first_at,
            last_at=row.last_at,
        )


@found_by(tokens.by_ids)
@strawberry.type(description="A token contract, a mint, or a chain's own coin.")
class Token(Node):
    """What moves."""

    node_key: ClassVar[str] = "token_id"

    token_id: TokenId = strawberry.field(
        description="CAIP-19: `eip155:1/erc20:0x…`, or `eip155:1/slip44:60` for a chain's coin."
    )
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of its chain.")
    address: str | None = strawberry.field(
        description="Contract or mint, EIP-55 on EVM chains; null for a chain's own coin."
    )
    symbol: str | None = strawberry.field(
        description="As the contract says: not unique and not verified."
    )
    name: str | None = strawberry.field(description="As the contract says; not verified.")
    decimals: int | None = strawberry.field(
        description="Digits after the point of one whole unit; null while unknown."
    )
    total_supply_raw: BigInt | None = strawberry.field(
        description="Base units in existence when its facts were loaded; null while unknown."
    )
    transfer_count: int = strawberry.field(description="Transfers of it that are loaded.")
    holder_count: int = strawberry.field(
        description="Wallets that received more of it than they sent, as far as loaded."
    )

    chain: Chain = batched(
        chains.by_ids, key="chain_id", of=Chain.of, description="The chain that it is on."
    )

    transfers: Connection["Transfer"] = batched(
        transfers.of_tokens,
        key="token_id",
        of=Later(lambda: Transfer.of),
        order="transfers",
        paging=LONG,
        cost=2,
        arguments={"filter": TRANSFER_FILTER},
        description="Its transfers, newest first.",
    )

    @property
    def supply(self) -> Supply:
        """What lists of its holders start from."""
        return Supply(self.token_id, self.total_supply_raw)

    of: ClassVar[Made[TokenRow, "Token"]] = Made(
        TokenRow,
        token_id="id",  # noqa: S106
        chain_id="chain",
        address=From(("chain", "address"), lambda chain, it: it and _shown(chain, it)),
        symbol="symbol",
        name="name",
        decimals="decimals",
        total_supply_raw=From(("total_supply_raw",), big_int),
        transfer_count="transfers",
        holder_count="holders",
        id=From(("id",), partial(global_id, "Token")),
        supply=From(("id", "total_supply_raw"), lambda id, raw: Supply(id, big_int(raw))),
    )


@found_by(wallets.by_ids)
@strawberry.type(description="One account on one chain.")
class Wallet(Node):
    """Who moves it."""

    node_key: ClassVar[str] = "account_id"

    account_id: AccountId = strawberry.field(
        description="CAIP-10: `eip155:1:0x…`, EVM hex in lower case."
    )
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of its chain.")
    address: str = strawberry.field(description="As people write it: EIP-55 on EVM chains.")
    kind: WalletKind = strawberry.field(description="What stands behind it.")
    first_seen_at: datetime | None = strawberry.field(
        description="Its earliest activity that is loaded; null while no time is known."
    )
    last_seen_at: datetime | None = strawberry.field(
        description="Its latest activity that is loaded; null while no time is known."
    )
    transfers_in: int = strawberry.field(description="Loaded transfers that reached it.")
    transfers_out: int = strawberry.field(description="Loaded transfers that it sent.")
    flows_in: int = strawberry.field(
        description="Pairs of a sender and a token that it received from."
    )
    flows_out: int = strawberry.field(
        description="Pairs of a recipient and a token that it sent to."
    )

    chain: Chain = batched(
        chains.by_ids, key="chain_id", of=Chain.of, description="The chain that it is on."
    )

    transfers: Connection["Transfer"] = batched(
        transfers.of_wallets,
        key="account_id",
        of=Later(lambda: Transfer.of),
        order="transfers",
        paging=LONG,
        cost=2,
        arguments={"filter": TRANSFER_FILTER},
        description="What it sent and received, newest first.",
    )
    transactions: Connection["Transaction"] = batched(
        transactions.of_wallets,
        key="account_id",
        of=lambda row: Transaction.of(row),
        order="transactions",
        paging=LONG,
        cost=2,
        arguments={"filter": TRANSACTION_FILTER},
        description="Transactions that it signed, or that called or paid it, newest first.",
    )

    @property
    def flow_degree(self) -> FlowDegree:
        """What its counterparties start from."""
        return FlowDegree(self.account_id, self.flows_in, self.flows_out)

    of: ClassVar[Made[WalletRow, "Wallet"]] = Made(
        WalletRow,
        account_id="id",
        chain_id="chain",
        address=From(("chain", "address"), lambda chain, it: _shown(chain, it)),
        kind=From(("kind",), WalletKind),
        first_seen_at="first_seen_at",
        last_seen_at="last_seen_at",
        transfers_in="transfers_in",
        transfers_out="transfers_out",
        flows_in="flows_in",
        flows_out="flows_out",
        id=From(("id",), partial(global_id, "Wallet")),
        flow_degree=From(("id", "flows_in", "flows_out"), FlowDegree),
    )


@found_by(transfers.by_ids)
@strawberry.type(description="One movement of value to one wallet.")
class Transfer(Node):
    """What happened."""

    node_key: ClassVar[str] = "transfer_id"

    transfer_id: str = strawberry.field(
        description=(
            "Chain, transaction hash and position: `eip155:1:0x…:log:7`; `file:…` where the "
            "source has no hash."
        )
    )
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of its chain.")
    position: str = strawberry.field(
        description=(
            "Where in its transaction: `native` (the transaction's own value), `log:n` (a token's "
            "event), `trace:path` (an internal call), `out:n` (an output) …"
        )
    )
    amount_raw: BigInt | None = strawberry.field(
        description="Exact, in base units (wei, satoshi); null where the source does not say."
    )
    amount: float | None = strawberry.field(
        description="In whole units, rounded, to chart; null while decimals are unknown."
    )
    usd: float | None = strawberry.field(
        description="Value in US dollars at its time; null until priced."
    )
    block_number: int | None = strawberry.field(description="Its block, where known.")
    block_time: datetime | None = strawberry.field(description="When it happened, where known.")
    derived: bool = strawberry.field(
        description=(
            "True where we allotted inputs to outputs of a UTXO transaction: a reading of it, not "
            "a fact of the chain."
        )
    )
    sender_id: AccountId | None = strawberry.field(
        description="CAIP-10 id of the sender; null where value comes into being, or nobody can "
        "tell."
    )
    recipient_id: AccountId = strawberry.field(description="CAIP-10 id of the recipient.")
    token_id: TokenId | None = strawberry.field(
        description="CAIP-19 id of what moved; null where the source does not say."
    )
    transaction_key: strawberry.Private[TransactionId | None]

    sender: Wallet | None = batched(
        wallets.by_ids, key="sender_id", of=Wallet.of, description="Who paid; null where unknown."
    )
    recipient: Wallet | None = batched(
        wallets.by_ids, key="recipient_id", of=Wallet.of, description="Who got it."
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What moved; null where unknown."
    )
    transaction: "Transaction | None" = batched(
        transactions.by_ids,
        key="transaction_key",
        of=lambda row: Transaction.of(row),
        description="What carried it; null for rewards and for rows without a hash.",
    )

    of: ClassVar[Made[TransferRow, "Transfer"]] = Made(
        TransferRow,
        transfer_id="id",
        chain_id="chain",
        position="position",
        amount_raw="amount_raw",  # decimal text there and here
        amount="amount",
        usd="usd",
        block_number="block_number",
        block_time="block_time",
        derived=From(("derived",), bool),
        sender_id="sender",
        recipient_id="recipient",
        token_id="token",  # noqa: S106
        transaction_key="transaction",
        id=From(("id",), partial(global_id, "Transfer")),
    )


@found_by(transactions.by_ids)
@strawberry.type(description="The signed envelope of transfers and calls.")
class Transaction(Node):
    """What was signed; of some, only the events in it are known."""

    node_key: ClassVar[str] = "transaction_key"

    transaction_key: strawberry.Private[TransactionId]
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of its chain.")
    hash: TransactionHash = strawberry.field(description="As the chain writes it.")
    block_number: int | None = strawberry.field(description="Its block, where known.")
    block_time: datetime | None = strawberry.field(description="When it happened, where known.")
    index: int | None = strawberry.field(description="Its place in the block, from 0.")
    status: TransactionStatus | None = strawberry.field(
        description="How it ended; null where no receipt is loaded."
    )
    sender_id: AccountId | None = strawberry.field(
        description="CAIP-10 id of the signer; null on UTXO chains and while only events are known."
    )
    recipient_id: AccountId | None = strawberry.field(
        description="CAIP-10 id of whom it called or paid, or of the contract that it created."
    )
    value_raw: BigInt | None = strawberry.field(
        description="The chain's own coin that it moves by itself, in base units (wei); on UTXO "
        "chains the sum of its outputs (satoshi)."
    )
    value: float | None = strawberry.field(
        description="The same in whole coins, rounded, to chart."
    )
    method_id: str | None = strawberry.field(
        description="Selector of the method it calls, such as `0xa9059cbb`; null for payments."
    )
    gas_used: BigInt | None = strawberry.field(description="Gas that it took.")
    gas_price_raw: BigInt | None = strawberry.field(
        description="Price of one gas in base units of the chain's coin."
    )
    fee_raw: BigInt | None = strawberry.field(
        description="Its fee in base units of the chain's coin, where known."
    )
    fee: float | None = strawberry.field(description="The same in whole coins, rounded, to chart.")
    coinbase: bool = strawberry.field(
        description="True for a block's own reward transaction on a UTXO chain."
    )
    flags: list[str] = strawberry.field(
        description="Oddities of its source, such as `short_hash`: a hash that had been cut."
    )

    chain: Chain = batched(
        chains.by_ids, key="chain_id", of=Chain.of, description="The chain that it is on."
    )
    sender: Wallet | None = batched(
        wallets.by_ids, key="sender_id", of=Wallet.of, description="Who signed it."
    )
    recipient: Wallet | None = batched(
        wallets.by_ids, key="recipient_id", of=Wallet.of, description="Whom it called or paid."
    )
    transfers: Connection[Transfer] = batched(
        transfers.of_transactions,
        key="transaction_key",
        of=Transfer.of,
        order="positions",
        paging=LONG,
        description="What moved in it, in the order in which it happened.",
    )

    @classmethod
    def of(cls, row: TransactionRow) -> "Transaction":
        """The transaction of a row."""
        decimals = chain_of(row.chain).decimals
        value, fee = big_int(row.value_raw), big_int(row.fee_raw)
        return cls(
            transaction_key=row.id,
            chain_id=row.chain,
            hash=TransactionHash(row.hash),
            block_number=row.block_number,
            block_time=row.block_time,
            index=row.index,
            status=None if row.status is None else TransactionStatus(row.status),
            sender_id=row.sender,
            recipient_id=row.recipient,
            value_raw=value,
            value=None if value is None else units(value, decimals),
            method_id=row.method_id,
            gas_used=None if row.gas_used is None else BigInt(row.gas_used),
            gas_price_raw=big_int(row.gas_price_raw),
            fee_raw=fee,
            fee=None if fee is None else units(fee, decimals),
            coinbase=bool(row.coinbase),
            flags=row.flags or [],
        )


def _shown(chain: str, address: str) -> str:
    return shown_address(chain_of(chain), address)
