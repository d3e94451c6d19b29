"""What one batch says of one chain, each fact once, and the transfers that facts imply."""

from collections.abc import Iterable, Iterator
from itertools import chain as chained

import msgspec

from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.chains import Chain
from graph_api.domain.ids import AccountId, TransferId, native_token
from graph_api.domain.positions import order_key, transfer_id
from graph_api.domain.records import (
    Approval,
    Block,
    Freeze,
    Receipt,
    Swap,
    Token,
    Transaction,
    Transfer,
    UtxoTransaction,
    WalletFact,
)

ChainRecord = (
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
)

#: What happened in a transaction; all of them have their own id, time and place.
Event = Transfer | Approval | Swap | Freeze


class Facts(msgspec.Struct):
    """Records of one chain by id; a record that comes twice counts once."""

    blocks: dict[int, Block] = msgspec.field(default_factory=dict)
    transactions: dict[str, Transaction] = msgspec.field(default_factory=dict)
    receipts: dict[str, Receipt] = msgspec.field(default_factory=dict)
    transfers: dict[str, Transfer] = msgspec.field(default_factory=dict)
    approvals: dict[str, Approval] = msgspec.field(default_factory=dict)
    swaps: dict[str, Swap] = msgspec.field(default_factory=dict)
    freezes: dict[str, Freeze] = msgspec.field(default_factory=dict)
    tokens: dict[str, Token] = msgspec.field(default_factory=dict)
    wallets: dict[str, WalletFact] = msgspec.field(default_factory=dict)
    utxo: dict[str, UtxoTransaction] = msgspec.field(default_factory=dict)
    labelled: set[str] = msgspec.field(default_factory=set)

    @property
    def events(self) -> Iterator[Event]:
        """Everything that happened in transactions."""
        return chained(
            self.transfers.values(),
            self.approvals.values(),
            self.swaps.values(),
            self.freezes.values(),
        )


def facts_of(records: Iterable[ChainRecord]) -> Facts:
    """Sort ``records`` of one chain by what they are."""
    facts = Facts()
    for record in records:
        match record:
            case Transfer():
                facts.transfers.setdefault(record.id, record)
            case Transaction():
                facts.transactions.setdefault(record.id, record)
            case Receipt():
                facts.receipts.setdefault(record.transaction, record)
            case Block():
                before = facts.blocks.get(record.number)
                facts.blocks[record.number] = _fuller(before, record) if before else record
            case Approval():
                facts.approvals.setdefault(record.id, record)
            case Swap():
                facts.swaps.setdefault(record.id, record)
            case Freeze():
                facts.freezes.setdefault(record.id, record)
            case Token():
                facts.tokens.setdefault(record.id, record)
            case WalletFact():
                facts.wallets.setdefault(record.id, record)
            case UtxoTransaction():
                facts.utxo.setdefault(record.id, record)
    return facts


def native_transfer(chain: Chain, transaction: Transaction) -> Transfer | None:
    """The movement of the chain's own coin that ``transaction`` makes, unless it moves none."""
    if not transaction.value_raw or transaction.recipient is None:
        return None
    native = transfer_id(transaction.id, "native")
    return Transfer(
        id=native,
        chain=transaction.chain,
        transaction=transaction.id,
        position="native",
        order=order_key(native, block_number=transaction.block_number, position="native"),
        sender=transaction.sender,
        recipient=transaction.recipient,
        token=native_token(chain),
        amount_raw=transaction.value_raw,
        amount=float(transaction.value_raw / 10**chain.decimals),
        block_number=transaction.block_number,
        block_time=transaction.block_time,
    )


def destroyed_transfer(freeze: Freeze) -> Transfer | None:
    """The end of what an issuer destroyed, where no Transfer tells of it."""
    if not freeze.untold or freeze.amount_raw is None:
        return None
    identity = transfer_id(freeze.transaction, freeze.position)
    return Transfer(
        id=identity,
        chain=freeze.chain,
        transaction=freeze.transaction,
        position=freeze.position,
        order=order_key(identity, block_number=freeze.block_number, position=freeze.position),
        sender=freeze.wallet,
        recipient=AccountId(f"{freeze.chain}:{ZERO_EVM}"),
        token=freeze.token,
        amount_raw=freeze.amount_raw,
        block_number=freeze.block_number,
        block_time=freeze.block_time,
    )


def transaction_order(transaction: str, block_number: int | None, index: int | None) -> str:
    """Newest first among the transactions of one chain."""
    place = f"native:{index}" if index is not None else "native"
    return order_key(TransferId(transaction), block_number=block_number, position=place)


def _fuller(first: Block, second: Block) -> Block:
    return Block(
        chain=first.chain,
        number=first.number,
        hash=first.hash or second.hash,
        parent_hash=first.parent_hash or second.parent_hash,
        time=first.time if first.time is not None else second.time,
    )
