"""What clients look things up and filter by, and the plain values that stand for it."""

from typing import TypeVar

import strawberry

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    account_id,
    native_token,
    token_id,
    transaction_id,
)
from graph_api.schema.scalars import TransactionHash

T = TypeVar("T")


@strawberry.input(description="An address and the chain that it is on.")
class ChainAddress:
    """Names an account, or the contract of a token."""

    chain: ChainId = strawberry.field(description="Such as `ethereum` or `eip155:1`.")
    address: str = strawberry.field(description="As people write it, in any letter case.")


@strawberry.input(one_of=True, description="One way to name a wallet.")
class WalletLookup:
    """Exactly one of its fields is given."""

    account_id: AccountId | None = strawberry.field(
        default=strawberry.UNSET, description="`ethereum:0xd8dA…6045`, or the CAIP-10 id."
    )
    account: ChainAddress | None = strawberry.field(
        default=strawberry.UNSET, description="Chain and address apart."
    )

    def asked(self) -> AccountId:
        """The account."""
        if self.account:
            return account_id(chain_of(self.account.chain), self.account.address)
        return _given(self.account_id)


@strawberry.input(one_of=True, description="One way to name a token.")
class TokenLookup:
    """Exactly one of its fields is given."""

    token_id: TokenId | None = strawberry.field(
        default=strawberry.UNSET, description="`ethereum:0xdac1…1ec7`, or the CAIP-19 id."
    )
    contract: ChainAddress | None = strawberry.field(
        default=strawberry.UNSET, description="Chain and contract (or mint) apart."
    )
    native_of: ChainId | None = strawberry.field(
        default=strawberry.UNSET, description="The coin of this chain, such as `bitcoin`."
    )

    def asked(self) -> TokenId:
        """The token."""
        if self.contract:
            return token_id(chain_of(self.contract.chain), self.contract.address)
        if self.native_of:
            return native_token(chain_of(self.native_of))
        return _given(self.token_id)


@strawberry.input(description="A transaction: the chain, and its hash there.")
class TransactionLookup:
    """Names a transaction."""

    chain: ChainId = strawberry.field(description="Such as `ethereum` or `bitcoin`.")
    hash: TransactionHash = strawberry.field(description="In any letter case where it is hex.")

    def asked(self) -> TransactionId:
        """The transaction."""
        return transaction_id(chain_of(self.chain), self.hash)


def _given(value: T | None) -> T:
    if value is None or value is strawberry.UNSET:
        raise BadInput("Name it by exactly one field.")
    return value
