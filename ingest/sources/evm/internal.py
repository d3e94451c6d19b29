"""Internal transfers of a block, out of the traces of either kind of node.

Sources: the ``trace`` module of Parity and Erigon; Geth's ``callTracer``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from graph_api.domain.ids import TransactionId
from graph_api.domain.records import Record, Transfer
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.answers import CallFrame, TraceAnswer, TracedTransaction, number
from ingest.sources.evm.traces import BLOCK_KINDS, FailedCalls, Trace, records_of

#: Contracts of the protocol itself live at the lowest addresses.
_PRECOMPILED: Final = 0x200
#: Geth's word for a frame, and ours for its kind and call type.
_FRAMES: Final = {
    "CREATE": ("create", ""),
    "CREATE2": ("create", ""),
    "SELFDESTRUCT": ("suicide", ""),
}


_CALLS: Final = ("CALL", "STATICCALL", "DELEGATECALL", "CALLCODE")


class Step(NamedTuple):
    """One trace of either kind; ``transaction`` is a hash, None for what the block itself does."""

    kind: str
    call_type: str
    path: str
    transaction: str | None
    sender: str | None
    recipient: str | None
    value: str | None
    failed: bool


def internal_transfers(
    steps: Iterable[Step], chain: ChainRecords, *, block_number: int, block_time: int
) -> Iterator[Record]:
    """What the steps of a block moved and created; what happened below a failed call did not.

    The outermost call of a transaction is left out: the transaction says what it moves.
    """
    failed_calls = FailedCalls()
    for step in steps:
        transaction: TransactionId | None = None
        if step.transaction is not None:
            transaction = chain.transaction(step.transaction)
            if failed_calls.undone(transaction, step.path, failed=step.failed):
                continue
        # Geth names neither heir nor value of a contract that ends as it begins.
        if step.recipient is None:
            continue
        made = records_of(
            Trace(
                kind=step.kind,
                call_type=step.call_type,
                path=step.path,
                transaction=transaction,
                sender=chain.account(step.sender) if step.sender else None,
                recipient=chain.account(step.recipient),
                value_raw=number(step.value) if step.value else 0,
                block_number=block_number,
                block_time=block_time,
            ),
            chain,
        )
        for record in made:
            if not isinstance(record, Transfer) or record.position != "native":
                yield record


def failed_transactions(steps: Iterable[Step]) -> frozenset[str]:
    """Hashes of transactions whose outermost call failed: old receipts do not say it."""
    return frozenset(
        step.transaction for step in steps if step.failed and not step.path and step.transaction
    )


def steps_of_traces(traces: Sequence[TraceAnswer]) -> list[Step]:
    """The steps that ``trace_block`` tells; parents come before their children."""
    rewards = sorted((trace for trace in traces if trace.type in BLOCK_KINDS), key=_reward_order)
    places = {id(trace): str(place) for place, trace in enumerate(rewards)}
    calls = _Places()
    steps = []
    for trace in traces:
        path = places.get(id(trace))
        if path is None:
            path = calls.of(trace)
        if path is not None:
            steps.append(_step_of_trace(trace, path))
    return steps


class _Places:
    """Where calls stand below their transaction when those that nobody counts are left out."""

    def __init__(self) -> None:
        self._paths: dict[tuple[str | None, tuple[int, ...]], str] = {}
        self._children: Counter[tuple[str | None, tuple[int, ...]]] = Counter()

    def of(self, trace: TraceAnswer) -> str | None:
        """The path of a trace whose parent was asked for before; None for one not counted."""
        own = trace.transaction_hash, tuple(trace.trace_address)
        if not trace.trace_address:
            self._paths[own] = ""
            return ""
        action, parent = trace.action, (own[0], own[1][:-1])
        if trace.type == "call" and _is_precompiled(
            action.to, moves=action.call_type == "call" and number(action.value or "0x0") > 0
        ):
            return None
        above, place = self._paths.get(parent, ""), self._children[parent]
        self._children[parent] += 1
        self._paths[own] = f"{above}.{place}" if above else str(place)
        return self._paths[own]


def _reward_order(trace: TraceAnswer) -> tuple[str, str, str, int]:
    """Rewards have no place of their own; ethereum-etl numbers them in this order."""
    action = trace.action
    return (trace.type, action.reward_type or "", action.author or "", number(action.value or "0"))


def _step_of_trace(trace: TraceAnswer, path: str) -> Step:
    action = trace.action
    sender, recipient, value = action.sender, action.to, action.value
    if trace.type == "create":
        recipient = trace.result.address if trace.result else None
    elif trace.type == "suicide":
        sender, recipient, value = action.address, action.refund_address, action.balance
    elif trace.type in BLOCK_KINDS:
        recipient = action.author
    return Step(
        kind=trace.type,
        call_type=action.call_type or "",
        path=path,
        transaction=trace.transaction_hash,
        sender=sender,
        recipient=recipient,
        value=value,
        failed=trace.error is not None,
    )


def steps_of_frames(traced: Sequence[TracedTransaction], hashes: Sequence[str]) -> list[Step]:
    """The steps that ``callTracer`` tells of the transactions ``hashes``, in order."""
    return [
        step
        for transaction, own in zip(hashes, traced, strict=True)
        if own.result is not None
        for step in _steps_below(own.result, transaction, path="")
    ]


def _steps_below(frame: CallFrame, transaction: str, *, path: str) -> Iterator[Step]:
    kind, call_type = _FRAMES.get(frame.type, ("call", frame.type.lower()))
    yield Step(
        kind=kind,
        call_type=call_type,
        path=path,
        transaction=transaction,
        sender=frame.sender,
        recipient=frame.to,
        value=frame.value,
        failed=frame.error is not None,
    )
    place = 0
    for call in frame.calls:
        moves = call.type == "CALL" and number(call.value or "0x0") > 0
        if call.type in _CALLS and _is_precompiled(call.to, moves=moves):
            continue
        yield from _steps_below(call, transaction, path=f"{path}.{place}" if path else str(place))
        place += 1


def _is_precompiled(callee: str | None, *, moves: bool) -> bool:
    """Whether it is a call that some nodes trace and others do not: into the protocol itself, with
    nothing in it. A transfer has one id whoever tells of it, so such calls are never counted.
    """
    return not moves and callee is not None and number(callee) < _PRECOMPILED
