"""A block's transactions and their receipts, as records."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

from graph_api.domain.addresses import created_contract
from graph_api.domain.records import Block, Record, Transaction
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.answers import BlockAnswer, ReceiptAnswer, TransactionAnswer, number

_SELECTOR: Final = 10


def block_of(block: BlockAnswer, chain: ChainRecords) -> Block:
    """The block itself."""
    return Block(
        chain=chain.id,
        number=number(block.number),
        hash=block.hash,
        parent_hash=block.parent_hash,
        time=number(block.timestamp) * 1000,
    )


def transactions(
    block: BlockAnswer,
    receipts: Sequence[ReceiptAnswer],
    chain: ChainRecords,
    *,
    failed: Collection[str] = (),
) -> Iterator[Record]:
    """Every transaction with what its receipt says, where there are receipts; its value is a
    transfer by itself.

    ``failed`` are hashes of transactions that traces know to have failed: receipts say it only
    since Byzantium.
    """
    at, time = number(block.number), number(block.timestamp) * 1000
    own: Iterable[ReceiptAnswer | None] = receipts or repeat(None)
    for transaction, receipt in zip(block.transactions, own, strict=False):
        status = number(receipt.status) if receipt and receipt.status else None
        if status is None and transaction.hash in failed:
            status = 0
        yield _transaction(transaction, receipt, chain, at=at, time=time, status=status)


def _transaction(
    sent: TransactionAnswer,
    receipt: ReceiptAnswer | None,
    chain: ChainRecords,
    *,
    at: int,
    time: int,
    status: int | None,
) -> Transaction:
    recipient = (
        sent.to
        or (receipt and receipt.contract_address)
        or created_contract(sent.sender.lower(), number(sent.nonce))
    )
    price = (receipt and receipt.effective_gas_price) or sent.gas_price
    return Transaction(
        id=chain.transaction(sent.hash),
        chain=chain.id,
        hash=sent.hash,
        sender=chain.account(sent.sender),
        recipient=chain.account(recipient),
        value_raw=number(sent.value),
        method_id=sent.input[:_SELECTOR].lower()
        if sent.to and len(sent.input) >= _SELECTOR
        else None,
        block_number=at,
        block_time=time,
        index=number(sent.transaction_index or "0x0"),
        status=status,
        gas_used=number(receipt.gas_used) if receipt else None,
        gas_price_raw=number(price) if price else None,
        creates=not sent.to,
    )
