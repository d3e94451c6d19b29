"""Records as the rows that the writing statements take."""

from graph_api.domain.positions import page_key
from graph_api.domain.records import Approval, Swap, Transaction, Transfer, UtxoTransaction
from graph_api.store.graph import Row
from graph_api.store.ledger.facts import transaction_order


def transfer_row(transfer: Transfer, *, amount: float | None, block_time: int | None) -> Row:
    """A transfer with the keys that its pages are read by."""
    order = transfer.order
    return {
        "id": transfer.id,
        "chain": transfer.chain,
        "transaction": transfer.transaction,
        "position": transfer.position,
        "sender": transfer.sender,
        "recipient": transfer.recipient,
        "token": transfer.token,
        "amount_raw": None if transfer.amount_raw is None else str(transfer.amount_raw),
        "amount": amount,
        "block_number": transfer.block_number,
        "block_time": block_time,
        "derived": transfer.derived or None,
        "order_key": page_key(transfer.chain, order),
        "sender_key": None if transfer.sender is None else page_key(transfer.sender, order),
        "recipient_key": page_key(transfer.recipient, order),
        "token_key": None if transfer.token is None else page_key(transfer.token, order),
    }


def transaction_row(transaction: Transaction, *, block_time: int | None) -> Row:
    """A signed transaction."""
    order = transaction_order(transaction.id, transaction.block_number, transaction.index)
    return {
        "id": transaction.id,
        "chain": transaction.chain,
        "hash": transaction.hash,
        "block_number": transaction.block_number,
        "block_time": block_time,
        "index": transaction.index,
        "status": transaction.status,
        "sender": transaction.sender,
        "recipient": transaction.recipient,
        "value_raw": str(transaction.value_raw),
        "method_id": transaction.method_id,
        "gas_used": transaction.gas_used,
        "gas_price_raw": _text(transaction.gas_price_raw),
        "fee_raw": _text(transaction.fee_raw)
        or fee(transaction.gas_used, transaction.gas_price_raw),
        "order_key": page_key(transaction.chain, order),
        "sender_key": page_key(transaction.sender, order),
        "recipient_key": transaction.recipient and page_key(transaction.recipient, order),
    }


def bare_row(
    transaction: str,
    *,
    chain: str,
    block_number: int | None,
    block_time: int | None,
    index: int | None = None,
) -> Row:
    """A transaction of which no signer is known: a stub, or the frame of a UTXO transaction."""
    order = transaction_order(transaction, block_number, index)
    return {
        "id": transaction,
        "chain": chain,
        "hash": transaction[len(chain) + 1 :],
        "block_number": block_number,
        "block_time": block_time,
        "index": index,
        "status": None,
        "gas_used": None,
        "gas_price_raw": None,
        "fee_raw": None,
        "coinbase": None,
        "flags": None,
        "value_raw": None,
        "order_key": page_key(chain, order),
    }


def utxo_row(transaction: UtxoTransaction, *, block_time: int | None) -> Row:
    """The frame of a UTXO transaction; its outputs are nodes of their own."""
    spent = [spend.amount_raw for spend in transaction.inputs]
    created = sum(output.amount_raw for output in transaction.outputs)
    known = [amount for amount in spent if amount is not None]
    paid = None if transaction.coinbase or len(known) < len(spent) else sum(known) - created
    return bare_row(
        transaction.id,
        chain=transaction.chain,
        block_number=transaction.block_number,
        block_time=block_time,
        index=transaction.index,
    ) | {
        "hash": transaction.hash,
        "fee_raw": _text(paid),
        "coinbase": transaction.coinbase,
        "flags": list(transaction.flags) or None,
        "value_raw": str(created),
    }


def approval_row(approval: Approval, *, block_time: int | None) -> Row:
    """An approval."""
    return {
        "id": approval.id,
        "chain": approval.chain,
        "transaction": approval.transaction,
        "token": approval.token,
        "owner": approval.owner,
        "spender": approval.spender,
        "amount_raw": str(approval.amount_raw),
        "block_number": approval.block_number,
        "block_time": block_time,
    }


def swap_row(swap: Swap, *, block_time: int | None) -> Row:
    """A swap."""
    return {
        "id": swap.id,
        "chain": swap.chain,
        "transaction": swap.transaction,
        "protocol": swap.protocol,
        "pool": swap.pool,
        "sender": swap.sender,
        "recipient": swap.recipient,
        "amount0_raw": str(swap.amount0_raw),
        "amount1_raw": str(swap.amount1_raw),
        "block_number": swap.block_number,
        "block_time": block_time,
    }


def fee(gas_used: int | None, gas_price_raw: int | None) -> str | None:
    """Base units paid for execution, where both factors are known."""
    if gas_used is None or gas_price_raw is None:
        return None
    return str(gas_used * gas_price_raw)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
