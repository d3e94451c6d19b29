"""What is asked of one EVM node, each answer checked before it is given on."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

import msgspec

from graph_api.domain.chains import Chain
from ingest.providers.endpoints import Endpoint
from ingest.providers.faults import (
    Behind,
    BrokenLink,
    Garbled,
    MissingLogs,
    Overloaded,
    Unsupported,
    WrongBlock,
    WrongChain,
)
from ingest.providers.rpc import Call, RpcError
from ingest.sources.chain import BlockRef, Reorged
from ingest.sources.evm import checks
from ingest.sources.evm.answers import (
    BlockAnswer,
    BlockHead,
    ReceiptAnswer,
    TraceAnswer,
    TracedTransaction,
    number,
)
from ingest.sources.evm.internal import Step, steps_of_frames, steps_of_traces
from ingest.sources.evm.log_windows import by_transaction, logs_between
from ingest.sources.evm.reading import TRACE_METHODS, EvmReading, ReceiptsBy, TracesBy

T = TypeVar("T")

_BLOCK, _RECEIPTS = "eth_getBlockByNumber", "eth_getBlockReceipts"
_CHAIN_ID: Final = Call("eth_chainId")
_OF_WINDOW: Final[Any] = str | BlockAnswer | list[ReceiptAnswer]
_ANY: Final[Any] = Any
_OF_HEAD: Final[Any] = str | BlockHead


class BlockAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """A block and what belongs to it, as the node sent it."""

    block: BlockAnswer
    receipts: list[ReceiptAnswer]
    steps: list[Step] = []


class EvmNode:
    """One endpoint of ``chain``. Every function raises EndpointFault."""

    def __init__(self, endpoint: Endpoint, chain: Chain, reading: EvmReading) -> None:
        self.endpoint, self._chain, self._reading = endpoint, chain, reading

    async def ref(self, block: int | str) -> BlockRef | None:
        """The block of that number or tag; None where the node has none."""
        place = hex(block) if isinstance(block, int) else block
        call = Call(_BLOCK, (place, False))
        chain_id, head = await self.endpoint.batch([_CHAIN_ID, call], _OF_HEAD)
        self._is_of_chain(chain_id)
        if (found := sound(head, call)) is None:
            return None
        if isinstance(block, int):
            checks.number_is(found, block)
        return ref_of(found)

    async def window(self, first: int, last: int, *, traces: TracesBy) -> list[BlockAnswers]:
        """The blocks ``first..last``, linked, with all receipts and steps.

        Raises: Behind when it has not all of them, Reorged when they change under its hands.
        """
        numbers = range(first, last + 1)
        calls = [_CHAIN_ID, *(Call(_BLOCK, (hex(at), True)) for at in numbers)]
        if self._receipts_at_once:
            calls += [Call(_RECEIPTS, (hex(at),)) for at in numbers]
        chain_id, *answers = await self.endpoint.batch(calls, _OF_WINDOW)
        self._is_of_chain(chain_id)
        blocks = [_block(answer, at) for at, answer in zip(numbers, answers, strict=False)]
        await self._are_linked(blocks)
        try:
            receipts = await self._receipts(blocks, answers[len(blocks) :])
            steps = await self._steps(blocks, traces)
        except (WrongBlock, MissingLogs):
            # Answers of one batch may come from before and after a change of the chain.
            await self._still_stand(blocks)
            raise
        return [
            BlockAnswers(block=block, receipts=of_block, steps=done)
            for block, of_block, done in zip(blocks, receipts, steps, strict=True)
        ]

    async def traces(self, block: int, method: TracesBy) -> bool:
        """Whether it has that method of tracing, tried on ``block``."""
        (answer,) = await self.endpoint.batch([_trace_call(hex(block), method)], _ANY)
        return not isinstance(answer, RpcError)

    @property
    def _receipts_at_once(self) -> bool:
        by_block = self._reading.receipts is ReceiptsBy.BLOCK
        return by_block and bool(self.endpoint.learnt.get(_RECEIPTS, True))

    async def _are_linked(self, blocks: Sequence[BlockAnswer]) -> None:
        """Each is the parent of the next. A node that is asked again may have changed its mind;
        one that insists on a broken link is wrong."""
        for parent, child in pairwise(blocks):
            if child.parent_hash == parent.hash:
                continue
            at = number(child.number)
            before, after = await self.ref(at - 1), await self.ref(at)
            if before is None or after is None or after.parent_hash == before.hash:
                raise Reorged(f"Block {at} changed while it was read.")
            raise BrokenLink(f"Its block {at - 1} is not the parent of its block {at}.")

    async def _still_stand(self, blocks: Sequence[BlockAnswer]) -> None:
        """The node has not changed its mind about any of them. Raises: Reorged."""
        calls = [Call(_BLOCK, (block.number, False)) for block in blocks]
        for block, now in zip(blocks, await self.endpoint.batch(calls, BlockHead), strict=True):
            if not isinstance(now, BlockHead) or now.hash != block.hash:
                raise Reorged(f"Block {number(block.number)} changed while it was read.")

    async def _receipts(
        self, blocks: Sequence[BlockAnswer], answers: Sequence[Any]
    ) -> list[list[ReceiptAnswer]]:
        """Those of each block, whole. Raises: WrongBlock, MissingLogs."""
        match self._reading.receipts:
            case ReceiptsBy.NONE:
                return [[] for _ in blocks]
            case ReceiptsBy.LOGS:
                found = await self._with_logs(blocks, await self._each_receipt(blocks))
            case ReceiptsBy.BLOCK:
                found = await self._by_block(blocks, answers)
        for block, receipts in zip(blocks, found, strict=True):
            checks.receipts_are_of(block, receipts)
        return found

    async def _by_block(
        self, blocks: Sequence[BlockAnswer], answers: Sequence[Any]
    ) -> list[list[ReceiptAnswer]]:
        if any(isinstance(answer, RpcError) and answer.lacks_method for answer in answers):
            self.endpoint.learnt[_RECEIPTS] = False
        if not self._receipts_at_once:
            return await self._each_receipt(blocks)
        found = []
        for block, answer in zip(blocks, answers, strict=True):
            receipts = sound(answer, Call(_RECEIPTS, (block.number,)))
            if not isinstance(receipts, list):
                raise Behind(f"It has block {number(block.number)}, but not its receipts yet.")
            found.append(receipts)
        return found

    async def _each_receipt(self, blocks: Sequence[BlockAnswer]) -> list[list[ReceiptAnswer]]:
        """For nodes that know receipts of transactions only."""
        calls = [
            Call("eth_getTransactionReceipt", (transaction.hash,))
            for block in blocks
            for transaction in block.transactions
        ]
        receipts = iter(_all_sound(await self.endpoint.batch(calls, ReceiptAnswer), calls))
        return [[next(receipts) for _ in block.transactions] for block in blocks]

    async def _with_logs(
        self, blocks: Sequence[BlockAnswer], receipts: list[list[ReceiptAnswer]]
    ) -> list[list[ReceiptAnswer]]:
        """The same receipts with the logs that ``eth_getLogs`` tells."""
        logs = by_transaction(
            await logs_between(
                self.endpoint,
                number(blocks[0].number),
                number(blocks[-1].number),
                largest=self._reading.log_window,
            )
        )
        told = [
            [
                msgspec.structs.replace(receipt, logs=logs.pop(receipt.transaction_hash, []))
                for receipt in of_block
            ]
            for of_block in receipts
        ]
        if logs:
            raise WrongBlock(f"{len(logs)} of its logs are of transactions in other blocks.")
        return told

    async def _steps(self, blocks: Sequence[BlockAnswer], method: TracesBy) -> list[list[Step]]:
        if method not in TRACE_METHODS:
            return [[] for _ in blocks]
        calls = [_trace_call(block.number, method) for block in blocks]
        if method is TracesBy.DEBUG:
            traced = _all_sound(await self.endpoint.batch(calls, list[TracedTransaction]), calls)
            return [_frames(block, own) for block, own in zip(blocks, traced, strict=True)]
        told = _all_sound(await self.endpoint.batch(calls, list[TraceAnswer]), calls)
        for block, traces in zip(blocks, told, strict=True):
            checks.traces_are_of(block, traces)
        return [steps_of_traces(traces) for traces in told]

    def _is_of_chain(self, answer: Any) -> None:
        told = sound(answer, _CHAIN_ID)
        if not isinstance(told, str):
            raise Garbled("It does not say which chain it serves.")
        if f"eip155:{number(told)}" != self._chain.id:
            raise WrongChain(f"It serves chain {number(told)} and not {self._chain.name}.")


def ref_of(head: BlockHead | BlockAnswer) -> BlockRef:
    """A block's place in its chain."""
    return BlockRef(
        number=number(head.number),
        hash=head.hash,
        parent_hash=head.parent_hash,
        time=number(head.timestamp) * 1000,
    )


def sound(answer: T | RpcError | None, call: Call) -> T | None:
    """The answer unless it is an error. Raises: Overloaded, Unsupported."""
    if not isinstance(answer, RpcError):
        return answer
    if answer.limits_rate:
        raise Overloaded(f"It limits requests: {answer.message[:200]}")
    raise Unsupported(f"It answers {call.method} with an error: {answer.message[:200]}")


def _all_sound(answers: Iterable[T | RpcError | None], calls: Sequence[Call]) -> list[T]:
    found = [sound(answer, call) for answer, call in zip(answers, calls, strict=True)]
    if any(answer is None for answer in found):
        raise Behind(f"It has not all that {calls[0].method} was asked for yet.")
    return [answer for answer in found if answer is not None]


def _block(answer: Any, at: int) -> BlockAnswer:
    block = sound(answer, Call(_BLOCK, (hex(at),)))
    if block is None:
        raise Behind(f"It has no block {at} yet.")
    if not isinstance(block, BlockAnswer):
        raise Garbled(f"Asked for block {at} it sent something else.")
    checks.block_is(block, at)
    return block


def _trace_call(place: str, method: TracesBy) -> Call:
    options = ({"tracer": "callTracer"},) if method is TracesBy.DEBUG else ()
    return Call(TRACE_METHODS[method], (place, *options))


def _frames(block: BlockAnswer, traced: list[TracedTransaction]) -> list[Step]:
    hashes = checks.traced_hashes(block, traced)
    return steps_of_frames(traced, hashes)
