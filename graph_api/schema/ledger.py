"""The ledger's types, which name each other: chains, wallets, tokens, transfers, transactions."""

from datetime import datetime
from typing import ClassVar

import strawberry

from graph_api.domain.addresses import shown_address
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.domain.records import WalletKind
from graph_api.schema.node import Node, found_by
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched
from graph_api.store import chains, tokens, wallets
from graph_api.store.chains import ChainRow
from graph_api.store.tokens import TokenRow
from graph_api.store.wallets import WalletRow

strawberry.enum(
    WalletKind,
    description="What stands behind a wallet.",
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
        of=lambda row: Token.of(row),
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

    @classmethod
    def of(cls, row: TokenRow) -> "Token":
        """The token of a row."""
        supply = row.total_supply_raw
        return cls(
            token_id=row.id,
            chain_id=row.chain,
            address=row.address and shown_address(chain_of(row.chain), row.address),
            symbol=row.symbol,
            name=row.name,
            decimals=row.decimals,
            total_supply_raw=None if supply is None else BigInt(int(supply)),
            transfer_count=row.transfers,
            holder_count=row.holders,
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

    @classmethod
    def of(cls, row: WalletRow) -> "Wallet":
        """The wallet of a row."""
        return cls(
            account_id=row.id,
            chain_id=row.chain,
            address=shown_address(chain_of(row.chain), row.address),
            kind=WalletKind(row.kind),
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            transfers_in=row.transfers_in,
            transfers_out=row.transfers_out,
            flows_in=row.flows_in,
            flows_out=row.flows_out,
        )
