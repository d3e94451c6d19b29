"""Frozen records of what sources say: blocks, transactions, transfers, outputs, labels.

Times are epoch milliseconds (UTC), amounts base units as Python integers; None means that the
source does not say, and is never replaced by zero. Ids are those of ``domain.ids``.
"""

from enum import StrEnum
from typing import Final

import msgspec

from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId, TransferId


class WalletKind(StrEnum):
    """What stands behind an account."""

    EOA = "eoa"
    CONTRACT = "contract"
    PROGRAM = "program"
    TOKEN_ACCOUNT = "token_account"  # noqa: S105 - a kind of account, not a password
    SCRIPT = "script"
    UNKNOWN = "unknown"


class ActorType(StrEnum):
    """What an actor does; the word that the graph, the API and the registry share."""

    OTC_DESK = "otc_desk"
    MARKET_MAKER = "market_maker"
    EXCHANGE = "exchange"
    DEX = "dex"
    PROP_TRADING = "prop_trading"
    LENDING = "lending"
    BRIDGE = "bridge"
    MIXER = "mixer"
    CUSTODIAN = "custodian"
    PAYMENT = "payment"
    MINER = "miner"
    WHALE = "whale"
    FUND = "fund"
    GAMBLING = "gambling"
    ISSUER = "issuer"
    NFT = "nft"
    SERVICE = "service"
    SCAM = "scam"
    SANCTIONED = "sanctioned"
    OTHER = "other"


#: Actors that hold other people's money: walks stop there unless told otherwise.
SERVICE_TYPES: Final = (
    ActorType.EXCHANGE,
    ActorType.DEX,
    ActorType.BRIDGE,
    ActorType.MIXER,
    ActorType.LENDING,
    ActorType.CUSTODIAN,
    ActorType.PAYMENT,
    ActorType.GAMBLING,
)


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block."""

    chain: ChainId
    number: int
    hash: str | None = None
    parent_hash: str | None = None
    time: int | None = None


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction of an account chain as its sender signed it.

    ``recipient`` of a contract creation is the created contract. ``method_id`` is the selector
    (``0x`` and 8 digits) and None for a plain payment. ``status`` is 1, 0 (failed: its value did
    not move) or None where the source has no receipts. ``fee_raw`` is there where the source
    tells the fee itself; elsewhere it is gas × price.
    """

    id: TransactionId
    chain: ChainId
    hash: str
    sender: AccountId
    recipient: AccountId | None
    value_raw: int
    method_id: str | None = None
    block_number: int | None = None
    block_time: int | None = None
    index: int | None = None
    status: int | None = None
    gas_used: int | None = None
    gas_price_raw: int | None = None
    creates: bool = False
    fee_raw: int | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What execution adds to a transaction that may or may not be loaded yet."""

    transaction: TransactionId
    chain: ChainId
    hash: str
    block_number: int | None = None
    index: int | None = None
    status: int | None = None
    gas_used: int | None = None
    gas_price_raw: int | None = None
    contract: AccountId | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of value from at most one wallet to one wallet.

    ``sender`` is None where value comes into being (rewards, genesis, coinbase). ``token`` and
    ``amount_raw`` are None where the source does not say. ``order`` sorts transfers of one chain
    (see ``domain.positions``). ``derived`` marks an allocation that we made from a transaction of
    many inputs and outputs; there, a ``sender`` of None is an owner whom nobody can tell.
    """

    id: TransferId
    chain: ChainId
    transaction: TransactionId | None
    position: str
    order: str
    sender: AccountId | None
    recipient: AccountId
    token: TokenId | None
    amount_raw: int | None
    amount: float | None = None
    block_number: int | None = None
    block_time: int | None = None
    derived: bool = False


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """An ERC-20 ``Approval``: ``owner`` lets ``spender`` move up to ``amount_raw``."""

    id: str
    chain: ChainId
    transaction: TransactionId
    token: TokenId
    owner: AccountId
    spender: AccountId
    amount_raw: int
    block_number: int | None = None
    block_time: int | None = None


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """A DEX pool's ``Swap`` event; amounts are what the pool took in (+) and paid out (-)."""

    id: str
    chain: ChainId
    transaction: TransactionId
    protocol: str
    pool: AccountId
    sender: AccountId
    recipient: AccountId
    amount0_raw: int
    amount1_raw: int
    block_number: int | None = None
    block_time: int | None = None


class FreezeKind(StrEnum):
    """What an issuer does to a wallet: ``seized`` destroys what it holds."""

    FROZEN = "frozen"
    FREED = "freed"
    SEIZED = "seized"


class Freeze(msgspec.Struct, frozen=True, kw_only=True):
    """An act of a token's issuer on one wallet.

    ``amount_raw`` is what was destroyed. ``untold`` says that no Transfer tells of that, so that
    the act itself stands for one.
    """

    id: str
    chain: ChainId
    transaction: TransactionId
    position: str
    kind: FreezeKind
    token: TokenId
    wallet: AccountId
    issuer: str
    symbol: str
    amount_raw: int | None = None
    untold: bool = False
    block_number: int
    block_time: int


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token contract or mint."""

    id: TokenId
    chain: ChainId
    address: str
    symbol: str | None = None
    name: str | None = None
    decimals: int | None = None
    total_supply_raw: int | None = None


class WalletFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says of one account itself."""

    id: AccountId
    kind: WalletKind


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """One input: the output ``chain:txid:vout`` it spends, with what is known of that output.

    ``amount_raw`` is None where the source names the output only; the output itself has it.
    """

    output: str
    owner: AccountId | None
    amount_raw: int | None


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One output of a UTXO transaction; ``owner`` is None where no address can be told.

    ``script`` (hex) is there where it says more than the owner does.
    """

    id: str
    owner: AccountId | None
    amount_raw: int
    script: str | None = None


class UtxoTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """A Bitcoin-like transaction, whole: all inputs and outputs in order, outputs from 0 without
    a gap.

    ``flags`` say what is odd about its source: ``short_hash`` marks a hash that its file had cut
    and that was restored.
    """

    id: TransactionId
    chain: ChainId
    hash: str
    block_number: int | None
    block_time: int | None
    index: int | None
    coinbase: bool
    inputs: tuple[Spend, ...]
    outputs: tuple[Output, ...]
    flags: tuple[str, ...] = ()


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who owns wallets: an exchange, a desk, a mixer.

    Several sources may describe one actor: what holds is the description of the highest
    ``confidence``, of the first ``source`` in text order where two are equal, and its gaps are
    filled by the next. ``registered`` says that a desk registry lists it.
    """

    id: str
    name: str
    type: ActorType
    url: str | None = None
    logo_url: str | None = None
    jurisdictions: tuple[str, ...] = ()
    source: str | None = None
    confidence: float = 0.05
    registered: bool = False


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One sourced claim about an address.

    ``accounts`` are the wallets it speaks of: one, or the address on every EVM chain where the
    source names no chain. ``category`` is one of ``domain.categories``, ``source_category`` the
    source's own word for it. ``confidence`` is a fraction in (0, 1]. The claim holds for
    ``[valid_from, valid_to)``, open where None, and is known for ``[learned_at, withdrawn_at)``:
    an answer as it was known on a day leaves out what was learned later and keeps what was
    withdrawn later. ``defines_cluster`` says that it speaks for every wallet of the same owner.
    """

    id: str
    accounts: tuple[AccountId, ...]
    label: str
    category: str | None
    confidence: float
    source: str
    source_url: str | None = None
    actor: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    learned_at: int | None = None
    withdrawn_at: int | None = None
    source_category: str | None = None
    defines_cluster: bool | None = None
    note: str | None = None


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was left out: where it stands, why, and what it says."""

    file: str
    line: int
    reason: str
    row: str


Record = (
    Block
    | Transaction
    | Receipt
    | Transfer
    | Approval
    | Swap
    | Freeze
    | Token
    | WalletFact
    | UtxoTransaction
    | Actor
    | Label
)
