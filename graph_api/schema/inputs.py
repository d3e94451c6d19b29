"""What clients look things up and filter by, and the plain values that stand for it."""

import re
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Final, TypeVar

import strawberry

from graph_api.domain.categories import Category
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
from graph_api.domain.records import ActorType, WalletKind
from graph_api.schema.scalars import BigInt, TransactionHash
from graph_api.services.exporting import ExportFormat
from graph_api.services.finding import LabelledQuestion
from graph_api.store.blocks import Window
from graph_api.store.labels import LabelFilter
from graph_api.store.labels import WalletFilter as LabelledFilter
from graph_api.store.tokens import TokenOrder
from graph_api.store.transactions import TransactionFilter
from graph_api.store.transfers import Direction, TransferFilter
from graph_api.store.wallets import WalletOrder, WalletQuestion

T = TypeVar("T")

strawberry.enum(
    TokenOrder,
    description=(
        "How tokens are ordered: by ID, or MOST_USED, the one with the most transfers first; "
        "within a chain those without any are left out."
    ),
)

strawberry.enum(
    ExportFormat, description="How an answer is written: JSON, CSV, or GRAPHML for graph tools."
)

_SELECTOR: Final = re.compile(r"0x[0-9a-f]{8}")


@strawberry.enum(
    description="How a transaction ended; a FAILED one was undone, but its fee was paid."
)
class TransactionStatus(Enum):
    """As receipts write it."""

    FAILED = 0
    SUCCEEDED = 1


strawberry.enum(WalletKind, description="What stands behind a wallet.")
strawberry.enum(Category, description="What an address is used for.")
strawberry.enum(ActorType, description="What an actor does.")
strawberry.enum(Direction, description="Which way value moved, seen from a wallet.")
strawberry.enum(
    WalletOrder,
    description=(
        "How wallets are ordered: by ID, or by NEWEST_ACTIVITY within a chain: in the order of "
        "their newest transfers, those without any left out."
    ),
)


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


@strawberry.input(
    name="TransferFilter", description="Which transfers are wanted; all conditions must hold."
)
class TransferFilterInput:
    """Conditions of a list of transfers."""

    direction: Direction = strawberry.field(
        default=Direction.BOTH, description="Seen from the wallet whose transfers are asked for."
    )
    token: TokenId | None = strawberry.field(default=None, description="Only this token.")
    counterparty: AccountId | None = strawberry.field(
        default=None, description="Only with this wallet on either side."
    )
    since: datetime | None = strawberry.field(
        default=None, description="From this moment on; transfers without a time are left out."
    )
    until: datetime | None = strawberry.field(default=None, description="Up to this moment.")
    from_block: int | None = strawberry.field(
        default=None, description="From this block on; transfers without a block are left out."
    )
    to_block: int | None = strawberry.field(default=None, description="Up to this block.")
    min_amount_raw: BigInt | None = strawberry.field(
        default=None, description="At least so many base units (wei, satoshi)."
    )
    max_amount_raw: BigInt | None = strawberry.field(
        default=None, description="At most so many base units."
    )
    min_amount: Decimal | None = strawberry.field(
        default=None, description="At least so many whole units of `token`, which must be given."
    )
    max_amount: Decimal | None = strawberry.field(
        default=None, description="At most so many whole units of `token`."
    )

    def asked(self) -> TransferFilter:
        """The conditions. Raises: BadInput when an end comes before its beginning."""
        return TransferFilter(
            direction=self.direction,
            token=self.token,
            party=self.counterparty,
            window=_window(self.since, self.until, self.from_block, self.to_block),
            min_raw=self.min_amount_raw,
            max_raw=self.max_amount_raw,
            min_units=self.min_amount,
            max_units=self.max_amount,
        )


@strawberry.input(
    name="TransactionFilter", description="Which transactions are wanted; all conditions must hold."
)
class TransactionFilterInput:
    """Conditions of a list of transactions."""

    direction: Direction = strawberry.field(
        default=Direction.BOTH,
        description="Of a wallet's: OUT those that it signed, IN those that called or paid it.",
    )
    counterparty: AccountId | None = strawberry.field(
        default=None, description="Only those that this wallet signed or received."
    )
    method_id: str | None = strawberry.field(
        default=None, description="Only calls of this selector, such as `0xa9059cbb`."
    )
    status: TransactionStatus | None = strawberry.field(
        default=None, description="Only those of which it is known that they ended so."
    )
    since: datetime | None = strawberry.field(
        default=None, description="From this moment on; transactions without a time are left out."
    )
    until: datetime | None = strawberry.field(default=None, description="Up to this moment.")
    from_block: int | None = strawberry.field(
        default=None, description="From this block on; transactions without one are left out."
    )
    to_block: int | None = strawberry.field(default=None, description="Up to this block.")
    min_value_raw: BigInt | None = strawberry.field(
        default=None, description="At least so many base units of the chain's coin (wei)."
    )
    max_value_raw: BigInt | None = strawberry.field(
        default=None, description="At most so many base units of the chain's coin."
    )

    def asked(self) -> TransactionFilter:
        """The conditions. Raises: BadInput when one of them cannot be."""
        method = self.method_id and self.method_id.lower()
        if method is not None and not _SELECTOR.fullmatch(method):
            raise BadInput("A method is named by its selector: 0x and 8 hex digits.")
        return TransactionFilter(
            direction=self.direction,
            party=self.counterparty,
            method_id=method,
            status=None if self.status is None else self.status.value,
            window=_window(self.since, self.until, self.from_block, self.to_block),
            min_raw=self.min_value_raw,
            max_raw=self.max_value_raw,
        )


@strawberry.input(
    name="WalletFilter", description="Which wallets are wanted; all conditions must hold."
)
class WalletFilterInput:
    """Conditions of a list of wallets."""

    chain: ChainId | None = strawberry.field(default=None, description="Only on this chain.")
    kind: WalletKind | None = strawberry.field(default=None, description="Only of this kind.")
    active_since: datetime | None = strawberry.field(
        default=None,
        description=(
            "Only those whose latest known activity is not older; refused where no time is known."
        ),
    )
    active_until: datetime | None = strawberry.field(
        default=None,
        description=(
            "Only those whose earliest known activity is not younger; refused where no time is "
            "known."
        ),
    )
    actor: str | None = strawberry.field(
        default=None, description="Only those that labels say are this actor's; its slug."
    )
    category: Category | None = strawberry.field(
        default=None, description="Only those that a label puts into this category."
    )
    min_confidence: float | None = strawberry.field(
        default=None, description="Only by labels of an actor or category that are so sure, 0 to 1."
    )
    as_of: datetime | None = strawberry.field(
        default=None, description="Labels as they were known, and held, at this moment; else now."
    )

    def asked(self) -> LabelledQuestion:
        """The conditions. Raises: BadInput."""
        return LabelledQuestion(
            wallets=WalletQuestion(
                chain=self.chain,
                kind=self.kind,
                active_since=self.active_since,
                active_until=self.active_until,
            ),
            actor=self.actor,
            category=self.category,
            min_confidence=_confidence(self.min_confidence),
            as_of=self.as_of,
        )


@strawberry.input(name="LabelFilter", description="Which labels are wanted; all must hold.")
class LabelFilterInput:
    """Conditions of a list of labels."""

    source: str | None = strawberry.field(default=None, description="Only what this source says.")
    category: Category | None = strawberry.field(default=None, description="Only of this category.")
    min_confidence: float | None = strawberry.field(
        default=None, description="Only claims that are at least so sure, 0 to 1."
    )

    def asked(self) -> LabelFilter:
        """The conditions. Raises: BadInput."""
        return LabelFilter(
            source=self.source,
            category=self.category,
            min_confidence=_confidence(self.min_confidence),
        )


@strawberry.input(
    name="LabelledWalletFilter",
    description="Which of an actor's wallets are wanted; all must hold.",
)
class LabelledWalletFilterInput:
    """Conditions of a list of labelled wallets."""

    chain: ChainId | None = strawberry.field(default=None, description="Only on this chain.")
    kind: WalletKind | None = strawberry.field(default=None, description="Only of this kind.")
    active: bool | None = strawberry.field(
        default=None, description="Only with (or without) loaded transfers."
    )
    category: Category | None = strawberry.field(
        default=None, description="Only where the label has this category."
    )
    min_confidence: float | None = strawberry.field(
        default=None, description="Only where the label is at least so sure, 0 to 1."
    )

    def asked(self) -> LabelledFilter:
        """The conditions. Raises: BadInput."""
        return LabelledFilter(
            chain=self.chain,
            kind=self.kind,
            active=self.active,
            category=self.category,
            min_confidence=_confidence(self.min_confidence),
        )


def _window(
    since: datetime | None, until: datetime | None, from_block: int | None, to_block: int | None
) -> Window:
    if since is not None and until is not None and until < since:
        raise BadInput("`until` comes before `since`.")
    if from_block is not None and to_block is not None and to_block < from_block:
        raise BadInput("`toBlock` comes before `fromBlock`.")
    if min(from_block or 0, to_block or 0) < 0:
        raise BadInput("Blocks are numbered from 0.")
    return Window(since=since, until=until, from_block=from_block, to_block=to_block)


def _confidence(least: float | None) -> float | None:
    if least is not None and not 0 <= least <= 1:
        raise BadInput("Confidence is a fraction of 0 to 1.")
    return least


def _given(value: T | None) -> T:
    if value is None or value is strawberry.UNSET:
        raise BadInput("Name it by exactly one field.")
    return value
