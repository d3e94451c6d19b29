"""Who paid whom in a UTXO transaction: the documented allocation of its inputs to its outputs.

A UTXO transaction melts its inputs together, so its address-level transfers are a convention. Ours
is first in, first out: the inputs, laid end to end in their order, are cut along the outputs in
theirs; what is left at the end is the fee. A slice is a run of one sender's satoshi inside one
output. Neighbouring slices of one sender in one output are one, so a transaction has at most as
many transfers as it has inputs and outputs together, and outputs that a single sender fills have
exactly one.

What the answer means:
- A coinbase output has no sender and is not derived: its value came into being.
- When all inputs have one known owner, every output is surely paid by that owner, whatever the
  convention: the transfers are not derived.
- Otherwise they are derived. A sender of None is then an owner whom the source cannot tell (or
  every owner, where it does not say how much the inputs hold).
- An output without an owner uses up its value but yields no transfer, for there is no recipient;
  an output of zero yields none either. Change that returns to its sender is a transfer to itself.

Balances and taint never use these transfers: they follow the outputs themselves.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from graph_api.domain.amounts import units
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, native_token
from graph_api.domain.positions import order_key, transfer_id
from graph_api.domain.records import Transfer, UtxoTransaction


class Slice(NamedTuple):
    """A run of one sender's value inside one output."""

    sender: AccountId | None
    amount_raw: int


def transfers(transaction: UtxoTransaction) -> list[Transfer]:
    """The address-level transfers of ``transaction``, in the order of its outputs.

    The position is ``out:n`` where one slice fills output n, else ``out:n.k`` with k from 0.
    Raises: BadInput when the inputs hold less than the outputs.
    """
    derived = not transaction.coinbase and sole_sender(transaction) is None
    return [
        _transfer(transaction, recipient, piece, position=position, derived=derived)
        for number, (output, pieces) in enumerate(
            zip(transaction.outputs, _allocated(transaction), strict=True)
        )
        if (recipient := output.owner) is not None
        for position, piece in _placed(number, pieces)
    ]


def fee_raw(transaction: UtxoTransaction) -> int | None:
    """What the inputs hold beyond the outputs; 0 for a coinbase, None where it is not known."""
    if transaction.coinbase:
        return 0
    held = _held(transaction)
    if held is None:
        return None
    return held - sum(output.amount_raw for output in transaction.outputs)


def sole_sender(transaction: UtxoTransaction) -> AccountId | None:
    """The one owner of all inputs; None when there are more, or when one is not known."""
    owners = {spend.owner for spend in transaction.inputs}
    return owners.pop() if len(owners) == 1 else None


def slices(inputs: Iterable[Slice], outputs: Sequence[int]) -> list[list[Slice]]:
    """Cut ``inputs``, laid end to end, along ``outputs``; what is left over is not returned.

    Takes linear time. Raises: BadInput when the inputs end before the outputs do.
    """
    source = iter(inputs)
    sender: AccountId | None = None
    left = 0
    cut: list[list[Slice]] = []
    for wanted in outputs:
        pieces: list[Slice] = []
        while wanted:
            while not left:
                try:
                    sender, left = next(source)
                except StopIteration:
                    raise BadInput("A transaction's inputs hold less than its outputs.") from None
            taken = min(wanted, left)
            if pieces and pieces[-1].sender == sender:
                pieces[-1] = Slice(sender, pieces[-1].amount_raw + taken)
            else:
                pieces.append(Slice(sender, taken))
            wanted, left = wanted - taken, left - taken
        cut.append(pieces)
    return cut


def _allocated(transaction: UtxoTransaction) -> list[list[Slice]]:
    amounts = [output.amount_raw for output in transaction.outputs]
    held = _held(transaction)
    if transaction.coinbase or held is None:
        # A coinbase has no sender; where amounts are missing, only a sole sender can be told.
        inputs = [Slice(sole_sender(transaction), sum(amounts))]
    else:
        inputs = [Slice(spend.owner, spend.amount_raw or 0) for spend in transaction.inputs]
    return slices(inputs, amounts)


def _held(transaction: UtxoTransaction) -> int | None:
    amounts = [spend.amount_raw for spend in transaction.inputs]
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


def _placed(number: int, pieces: list[Slice]) -> Iterator[tuple[str, Slice]]:
    if len(pieces) == 1:
        yield f"out:{number}", pieces[0]
        return
    for place, piece in enumerate(pieces):
        yield f"out:{number}.{place}", piece


def _transfer(
    transaction: UtxoTransaction,
    recipient: AccountId,
    piece: Slice,
    *,
    position: str,
    derived: bool,
) -> Transfer:
    chain = chain_of(transaction.chain)
    identity = transfer_id(transaction.id, position)
    return Transfer(
        id=identity,
        chain=transaction.chain,
        transaction=transaction.id,
        position=position,
        order=order_key(identity, block_number=transaction.block_number, position=position),
        sender=piece.sender,
        recipient=recipient,
        token=native_token(chain),
        amount_raw=piece.amount_raw,
        amount=units(piece.amount_raw, chain.decimals),
        block_number=transaction.block_number,
        block_time=transaction.block_time,
        derived=derived,
    )
