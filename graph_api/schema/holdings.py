"""What wallets hold, as GraphQL types: sums that say what they cover, portfolios, holders."""

from datetime import datetime
from typing import Final

import strawberry

from graph_api.domain.ids import AccountId, TokenId
from graph_api.schema.ledger import Token, Wallet
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, extends
from graph_api.services import balances
from graph_api.store import tokens, wallets

_POSITIONS: Final = Paging(default=50, ceiling=500)


@strawberry.type(
    description=(
        "What a sum is made of. Received less sent is the change of a balance and not the balance: "
        "fees, rewards, withdrawals and whatever is not loaded are missing from it."
    )
)
class Coverage:
    """How far a sum may be trusted."""

    complete: bool = strawberry.field(
        description=(
            "True where the whole history is known, so that the change is the balance: on a UTXO "
            "chain that is loaded from its first block on without a gap."
        )
    )
    since_block: int | None = strawberry.field(description="Lowest block that counted.")
    until_block: int | None = strawberry.field(description="Highest block that is loaded.")
    uncounted: int = strawberry.field(
        description="Transfers left out because their amount is unknown."
    )
    undated: int = strawberry.field(
        description="Transfers without a known time, where what holds at a moment was asked for."
    )

    @classmethod
    def of(cls, covered: balances.Coverage) -> "Coverage":
        """As clients see it."""
        return cls(
            complete=covered.complete,
            since_block=covered.since_block,
            until_block=covered.until_block,
            uncounted=covered.uncounted,
            undated=covered.undated,
        )


@strawberry.type(description="What one wallet received and sent of one token.")
class Holding:
    """Exact sums and what they cover."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet.")
    token_id: TokenId = strawberry.field(description="CAIP-19 id of the token.")
    received_raw: BigInt = strawberry.field(description="Exact sum of what came, in base units.")
    sent_raw: BigInt = strawberry.field(description="Exact sum of what went, in base units.")
    net_change_raw: BigInt = strawberry.field(
        description="Received less sent in base units; below zero where receipts are not loaded."
    )
    net_change: float | None = strawberry.field(
        description="The same in whole units, rounded, to chart; null while decimals are unknown."
    )
    balance_raw: BigInt | None = strawberry.field(
        description="The balance in base units, where the whole history is known; null elsewhere."
    )
    transfers: int = strawberry.field(
        description="Transfers that touched it; on UTXO chains, outputs created and spent."
    )
    first_at: datetime | None = strawberry.field(description="Time of the earliest, where known.")
    last_at: datetime | None = strawberry.field(description="Time of the latest, where known.")
    coverage: Coverage = strawberry.field(description="What the sums are made of.")

    wallet: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="Who holds it."
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What is held."
    )

    @classmethod
    def of(cls, position: balances.Position) -> "Holding":
        """As clients see it."""
        net = BigInt(position.net_raw)
        return cls(
            account_id=position.wallet,
            token_id=position.token,
            received_raw=BigInt(position.received_raw),
            sent_raw=BigInt(position.sent_raw),
            net_change_raw=net,
            net_change=position.amount,
            balance_raw=net if position.coverage.complete else None,
            transfers=position.transfers,
            first_at=position.first_at,
            last_at=position.last_at,
            coverage=Coverage.of(position.coverage),
        )


@strawberry.type(description="A wallet's holdings as they were at a moment.")
class Portfolio:
    """All tokens that a wallet had received or sent by then."""

    as_of: datetime = strawberry.field(description="The moment.")
    holdings: list[Holding] = strawberry.field(
        description="One for each token, the most used first."
    )
    coverage: Coverage = strawberry.field(description="What all of them together cover.")

    @classmethod
    def of(cls, portfolio: balances.Portfolio) -> "Portfolio":
        """As clients see it."""
        return cls(
            as_of=portfolio.as_of,
            holdings=[Holding.of(position) for position in portfolio.positions],
            coverage=Coverage.of(portfolio.coverage),
        )


@strawberry.type(description="A wallet that received more of a token than it sent.")
class Holder:
    """A holding and its weight."""

    holding: Holding = strawberry.field(description="The sums and what they cover.")
    share_of_supply: float | None = strawberry.field(
        description=(
            "Net change as a fraction of the token's total supply (0.1 = 10 %); null while the "
            "supply is unknown."
        )
    )

    @classmethod
    def of(cls, holder: balances.Holder) -> "Holder":
        """As clients see it."""
        return cls(holding=Holding.of(holder.position), share_of_supply=holder.share)


@extends(Wallet)
class WalletHoldings:
    """What a wallet holds."""

    portfolio: Portfolio | None = batched(
        balances.portfolios,
        key="account_id",
        of=Portfolio.of,
        cost=100,
        arguments={"as_of": "A moment such as `2017-08-01T00:00:00Z`; now when not given."},
        description=(
            "What it had received and sent of each token by a moment, exact in base units. Read "
            f"from its movements: refused where it moved more than {balances.MOST_MOVES:,} times "
            "both before and since."
        ),
    )
    balances: list[Holding] = batched(
        balances.balances,
        key="account_id",
        of=Holding.of,
        paging=_POSITIONS,
        cost=2,
        arguments={"of": "Only these tokens."},
        description=(
            "What it received and sent of each token, the most used token first. `balanceRaw` is "
            "there only where `coverage.complete` is true."
        ),
    )


@extends(Token)
class TokenHolders:
    """Who holds a token."""

    holders: Connection[Holder] = batched(
        balances.holders,
        key="supply",
        of=Holder.of,
        order="holders",
        cost=2,
        description=(
            "Wallets that received more of it than they sent, the largest difference first. Exact "
            "as far as transfers are loaded: see each `coverage`."
        ),
    )
