"""What is asked of one EVM node, each answer checked before it is given on."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from graph_api.domain.chains import Chain
from ingest.providers.endpoints import Endpoint
from ingest.providers.faults import Behind, Garbled, Overloaded, Unsupported, WrongChain
from ingest.providers.rpc import Call, RpcError
from ingest.sources.chain import BlockRef
from ingest.sources.evm import checks
from ingest.sources.evm.answers import BlockAnswer, BlockHead, ReceiptAnswer, number

T = TypeVar("T")

_BLOCK_RECEIPTS: Final = "eth_getBlockReceipts"
_OF_WINDOW: Final[Any] = str | BlockAnswer | list[ReceiptAnswer]
_OF_HEAD: Final[Any] = str | BlockHead


class BlockAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """A block and what belongs to it, as the node sent it."""

    block: BlockAnswer
    receipts: list[ReceiptAnswer]


class EvmNode:
    """One endpoint of ``chain``. Every function raises EndpointFault."""

    def __init__(self, endpoint: Endpoint, chain: Chain) -> None:
        self.endpoint, self._chain = endpoint, chain

    async def ref(self, block: int | str) -> BlockRef | None:
        """The block of that number or tag; None where the node has none."""
        place = hex(block) if isinstance(block, int) else block
        calls = [_CHAIN_ID, Call("eth_getBlockByNumber", (place, False))]
        chain_id, head = await self.endpoint.batch(calls, _OF_HEAD)
        self._is_of_chain(chain_id)
        if (found := _sound(head, calls[1])) is None:
            return None
        if isinstance(block, int):
            checks.number_is(found, block)
        return ref_of(found)

    async def window(self, first: int, last: int) -> list[BlockAnswers]:
        """The blocks ``first..last`` with all receipts. Raises: Behind when it has not all."""
        numbers = range(first, last + 1)
        at_once = self.endpoint.learnt.get(_BLOCK_RECEIPTS, True)
        calls = [_CHAIN_ID, *(Call("eth_getBlockByNumber", (hex(at), True)) for at in numbers)]
        if at_once:
            calls += [Call(_BLOCK_RECEIPTS, (hex(at),)) for at in numbers]
        chain_id, *answers = await self.endpoint.batch(calls, _OF_WINDOW)
        self._is_of_chain(chain_id)
        blocks = [self._block(answer, at) for at, answer in zip(numbers, answers, strict=False)]
        receipts = await self._receipts(blocks, answers[len(blocks) :])
        for block, of_block in zip(blocks, receipts, strict=True):
            checks.receipts_are_of(block, of_block)
        return [
            BlockAnswers(block=block, receipts=of_block)
            for block, of_block in zip(blocks, receipts, strict=True)
        ]

    def _block(self, answer: Any, at: int) -> BlockAnswer:
        block = _sound(answer, Call("eth_getBlockByNumber", (hex(at),)))
        if block is None:
            raise Behind(f"It has no block {at} yet.")
        if not isinstance(block, BlockAnswer):
            raise Garbled(f"Asked for block {at} it sent something else.")
        checks.block_is(block, at)
        return block

    async def _receipts(
        self, blocks: Sequence[BlockAnswer], answers: Sequence[Any]
    ) -> list[list[ReceiptAnswer]]:
        if any(isinstance(answer, RpcError) and answer.lacks_method for answer in answers):
            self.endpoint.learnt[_BLOCK_RECEIPTS] = False
            answers = ()
        if not answers:
            return await self._each_receipt(blocks)
        found = []
        for block, answer in zip(blocks, answers, strict=True):
            receipts = _sound(answer, Call(_BLOCK_RECEIPTS, (block.number,)))
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
        answers = await self.endpoint.batch(calls, ReceiptAnswer)
        receipts = iter(_all_sound(answers, calls))
        return [[next(receipts) for _ in block.transactions] for block in blocks]

    def _is_of_chain(self, answer: Any) -> None:
        told = _sound(answer, _CHAIN_ID)
        if not isinstance(told, str):
            raise Garbled("It does not say which chain it serves.")
        if f"eip155:{number(told)}" != self._chain.id:
            raise WrongChain(f"It serves chain {number(told)} and not {self._chain.name}.")


_CHAIN_ID: Final = Call("eth_chainId")


def ref_of(head: BlockHead | BlockAnswer) -> BlockRef:
    """A block's place in its chain."""
    return BlockRef(
        number=number(head.number),
        hash=head.hash,
        parent_hash=head.parent_hash,
        time=number(head.timestamp) * 1000,
    )


def _all_sound(answers: Iterable[T | RpcError | None], calls: Sequence[Call]) -> list[T]:
    sound = [_sound(answer, call) for answer, call in zip(answers, calls, strict=True)]
    if any(answer is None for answer in sound):
        raise Behind(f"It has not all that {calls[0].method} was asked for yet.")
    return [answer for answer in sound if answer is not None]


def _sound(answer: T | RpcError | None, call: Call) -> T | None:
    """The answer unless it is an error. Raises: Overloaded, Unsupported."""
    if not isinstance(answer, RpcError):
        return answer
    if answer.limits_rate:
        raise Overloaded(f"It limits requests: {answer.message[:200]}")
    raise Unsupported(f"It answers {call.method} with an error: {answer.message[:200]}")
