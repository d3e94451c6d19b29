"""What a trace moves: the chain's own coin, between accounts or out of nothing.

The outermost call is the transaction itself: its transfer has the id that the transaction gives
it, so traces and transactions can be loaded together.
"""

from typing import Final

import msgspec

from graph_api.domain.ids import AccountId, TransactionId
from graph_api.domain.positions import block_transfer_id, transfer_id
from graph_api.domain.records import Record, Transfer, WalletFact, WalletKind
from ingest.sources.chain_records import ChainRecords

#: Traces of a block rather than of a transaction. A DAO fork moves coins without a signature.
BLOCK_KINDS: Final = ("reward", "genesis", "daofork")
_MOVING: Final = ("call", "create", "create2", "suicide", "selfdestruct")
# A delegatecall repeats its parent's value and a callcode pays the caller itself; old exports
# leave the type of a plain call empty.
_MOVING_CALLS: Final = ("call", "")


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One trace that succeeded.

    ``path`` is its place below the transaction (``0.1``; "" is the transaction itself) or, for a
    trace of a block, its number there.
    """

    kind: str
    call_type: str
    path: str
    transaction: TransactionId | None
    sender: AccountId | None
    recipient: AccountId
    value_raw: int
    block_number: int
    block_time: int | None = None


def records_of(trace: Trace, chain: ChainRecords) -> tuple[Record, ...]:
    """The transfer that ``trace`` is, if it moves value, and the contract that it creates."""
    moved = _transfer(trace, chain)
    if trace.kind.startswith("create"):
        created = WalletFact(id=trace.recipient, kind=WalletKind.CONTRACT)
        return (moved, created) if moved else (created,)
    return (moved,) if moved else ()


def _transfer(trace: Trace, chain: ChainRecords) -> Transfer | None:
    if not trace.value_raw:
        return None
    if trace.kind in BLOCK_KINDS:
        position = f"{trace.kind}:{trace.path}"
        transfer = block_transfer_id(chain.chain, trace.block_number, position)
    elif trace.kind not in _MOVING or (
        trace.kind == "call" and trace.call_type not in _MOVING_CALLS
    ):
        return None
    else:
        position = f"trace:{trace.path}" if trace.path else "native"
        assert trace.transaction is not None
        transfer = transfer_id(trace.transaction, position)
    return chain.transfer(
        transfer,
        position,
        transaction=trace.transaction,
        sender=trace.sender,
        recipient=trace.recipient,
        token=chain.native,
        amount_raw=trace.value_raw,
        block_number=trace.block_number,
        block_time=trace.block_time,
    )


class FailedCalls:
    """Which calls of the current transaction failed: what happened below them did not happen.

    Traces of a transaction follow each other with parents first, as nodes write them.
    """

    def __init__(self) -> None:
        self._transaction: TransactionId | None = None
        self._paths: list[str] = []

    def undone(self, transaction: TransactionId, path: str, *, failed: bool) -> bool:
        """Whether the trace at ``path`` had no effect, itself ``failed`` or below one that did."""
        if transaction != self._transaction:
            self._transaction, self._paths = transaction, []
        if failed:
            self._paths.append(f"{path}." if path else "")
            return True
        return any(path.startswith(parent) for parent in self._paths)
