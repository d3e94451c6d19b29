"""Solana as its nodes tell it: slots with or without a block, heads by polling.

A slot is read by ``getBlocks`` (which of them have a block) and ``getBlock``. Each block names the
slot of its parent, so a block that a node leaves out is found, and so is a fork. Every encoding
gives the same records: ``json`` is the shortest of those that all nodes have.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Literal, TypeVar

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import UpstreamUnavailable
from ingest.providers.endpoints import Endpoint, Endpoints
from ingest.providers.faults import (
    Behind,
    BrokenLink,
    EndpointFault,
    Overloaded,
    Unsupported,
    WrongChain,
)
from ingest.providers.rpc import Call, RpcError
from ingest.sources.ahead import ahead
from ingest.sources.chain import BlockFacts, BlockRef, Reorged
from ingest.sources.chain_records import ChainRecords
from ingest.sources.solana.answers import BlockAnswer
from ingest.sources.solana.blocks import block_facts, block_ref
from ingest.sources.witnesses import Witnesses

T = TypeVar("T")

Commitment = Literal["confirmed", "finalized"]
Encoding = Literal["json", "jsonParsed", "base64"]

#: The slot has no block: its leader made none, or the node's own store says so.
_SKIPPED: Final = (-32007, -32009)
#: The block is not there yet, or the node is behind; a moment later it may be.
_NOT_YET: Final = (-32004, -32005, -32014, -32016)
#: So far back a head may lie behind the newest slot, when leaders made no blocks.
_LOOK_BACK: Final = 128


class SolanaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How nodes are asked.

    ``finalized`` blocks never change and come some 13 s later than ``confirmed`` ones. A head
    older than ``stale_after_s`` is not believed, nor one that is more than ``stale_slots`` below
    that of another node. A block that should be there and is not is asked for ``attempts`` times,
    one poll apart.
    """

    commitment: Commitment = "confirmed"
    encoding: Encoding = "json"
    blocks_at_once: int = 4
    slots_at_once: int = 64
    poll_s: float = 1.0
    stale_after_s: float = 120.0
    stale_slots: int = 150
    attempts: int = 30


class SolanaSource:
    """A ``ChainSource`` over Solana nodes; ``now`` gives Unix seconds."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        now: Callable[[], float],
        settings: SolanaSettings | None = None,
    ) -> None:
        self.chain, self._endpoints = chain, endpoints
        self._settings = settings or SolanaSettings()
        self._witnesses = Witnesses(
            chain,
            endpoints,
            self._told_of,
            stale_after_s=self._settings.stale_after_s,
            stale_blocks=self._settings.stale_slots,
            now=now,
        )
        self._records = ChainRecords(chain, decimals={})

    async def head(self) -> BlockRef:
        """The newest block of the commitment, of a node that others do not contradict."""
        return await self._until_there(self._witnesses.newest)

    async def final(self) -> int | None:
        """The newest finalized slot."""

        return await self.ask(partial(self._slot, commitment="finalized"))

    async def ref(self, number: int) -> BlockRef | None:
        """The block of slot ``number``; None if it has none, or beyond the head."""

        return await self._patiently(partial(self._block_of, slot=number))

    async def blocks(self, first: int, last: int) -> AsyncIterator[BlockFacts]:
        """The blocks of the slots ``first..last`` in order, each linked to the one before it.

        Raises: Reorged, UpstreamUnavailable.
        """
        async with aclosing(ahead(self._groups(first, last))) as groups:
            async for group in groups:
                for facts in group:
                    yield facts

    async def heads(self) -> AsyncIterator[BlockRef]:
        """Newest blocks as they come, by polling."""
        newest: str | None = None
        while True:
            found = await self.head()
            if found.hash != newest:
                newest = found.hash
                yield found
            await self._endpoints.sleep(self._settings.poll_s)

    async def close(self) -> None:
        """Give all connections back."""
        await self._endpoints.close()

    @property
    def calls(self) -> int:
        """How many calls the nodes were sent."""
        return sum(endpoint.sent for endpoint in self._endpoints.all)

    async def ask(self, work: Callable[[Endpoint], Awaitable[T]]) -> T:
        """What ``work`` gives with a node that serves this chain; asked again while all of them
        say that they are not there yet. Raises: UpstreamUnavailable.
        """

        async def proven(node: Endpoint) -> T:
            await self._prove(node)
            return await work(node)

        return await self._patiently(proven)

    async def _groups(self, first: int, last: int) -> AsyncGenerator[list[BlockFacts], None]:
        parent: BlockRef | None = None
        start, end = first, first - 1
        while end < last:
            # What has not been seen to be without a block is listed again: another node may know.
            end = min(end + self._settings.slots_at_once, last)
            group = await self._agreed(start, end, parent)
            if group:
                yield group
                parent = group[-1].ref
                start, end = parent.number + 1, parent.number

    async def _agreed(self, first: int, last: int, parent: BlockRef | None) -> list[BlockFacts]:
        """What ``_group`` gives, from a node that others agree with."""

        async def read(node: Endpoint) -> tuple[Endpoint, list[BlockFacts]]:
            return node, await self._group(node, first=first, last=last, parent=parent)

        while True:
            node, group = await self._patiently(read)
            if not group or await self._witnesses.agree(node, group[-1].ref):
                return group

    async def _group(
        self, node: Endpoint, *, first: int, last: int, parent: BlockRef | None
    ) -> list[BlockFacts]:
        """The first blocks of the slots ``first..last``, as one node lists and tells them."""
        await self._prove(node)
        if await self._slot(node, self._settings.commitment) < last:
            raise Behind(f"It has not come to slot {last} yet.")
        slots = await self._listed(node, first, last)
        slots = slots[: self._settings.blocks_at_once]
        answers = await self._answers(node, slots, details="full")
        facts: list[BlockFacts] = []
        for slot, answer in zip(slots, answers, strict=True):
            if answer is None:
                raise Behind(f"It lists a block for slot {slot}, and does not have it.")
            self._check_link(answer, slot, parent=parent, first=first)
            facts.append(block_facts(answer, slot, self._records))
            parent, first = facts[-1].ref, slot + 1
        return facts

    def _check_link(
        self, answer: BlockAnswer, slot: int, *, parent: BlockRef | None, first: int
    ) -> None:
        if answer.parent_slot >= first:
            raise BrokenLink(
                f"Block {slot} follows block {answer.parent_slot}, which it leaves out."
            )
        if parent is not None and answer.previous_blockhash != parent.hash:
            raise Reorged(
                f"Block {slot} of {self.chain.name} does not follow block {parent.number} as it "
                "was read."
            )

    async def _listed(self, node: Endpoint, first: int, last: int) -> list[int]:
        params = [first, last, {"commitment": self._settings.commitment}]
        [answer] = await node.batch([Call("getBlocks", params)], list[int])
        slots = said(answer, "getBlocks")
        return sorted({slot for slot in slots if first <= slot <= last})

    async def _prove(self, node: Endpoint) -> None:
        """That the node serves this chain; asked once of each."""
        if node.learnt.get("chain") == self.chain.id:
            return
        [answer] = await node.batch([Call("getGenesisHash")], str)
        genesis = said(answer, "getGenesisHash")
        if not genesis.startswith(self.chain.id.partition(":")[2]):
            raise WrongChain(f"Its genesis is {genesis[:64]}, not that of {self.chain.name}.")
        node.learnt["chain"] = self.chain.id

    async def _slot(self, node: Endpoint, commitment: Commitment) -> int:
        [answer] = await node.batch([Call("getSlot", [{"commitment": commitment}])], int)
        return said(answer, "getSlot")

    async def _told_of(self, node: Endpoint, slot: int | None) -> BlockRef | None:
        return await (self._head(node) if slot is None else self._block_of(node, slot=slot))

    async def _block_of(self, node: Endpoint, *, slot: int) -> BlockRef | None:
        await self._prove(node)
        if await self._slot(node, self._settings.commitment) < slot:
            return None
        return await self._ref(node, slot)

    async def _head(self, node: Endpoint) -> BlockRef:
        await self._prove(node)
        slot = await self._slot(node, self._settings.commitment)
        slots = await self._listed(node, max(slot - _LOOK_BACK, 0), slot)
        found = await self._ref(node, slots[-1]) if slots else None
        if found is None:
            raise Behind(f"It has no block for slot {slot} yet.")
        return found

    async def _ref(self, node: Endpoint, slot: int) -> BlockRef | None:
        [answer] = await self._answers(node, [slot], details="none")
        return None if answer is None else block_ref(answer, slot)

    async def _answers(
        self, node: Endpoint, slots: Sequence[int], *, details: Literal["full", "none"]
    ) -> list[BlockAnswer | None]:
        """The blocks of ``slots``; None for a slot without one."""
        options: dict[str, Any] = {
            "commitment": self._settings.commitment,
            "encoding": self._settings.encoding,
            "transactionDetails": details,
            "rewards": details == "full",
            "maxSupportedTransactionVersion": 0,
        }
        calls = [Call("getBlock", [slot, options]) for slot in slots]
        return [
            None
            if isinstance(answer, RpcError) and answer.code in _SKIPPED
            else said(answer, "getBlock")
            for answer in await node.batch(calls, BlockAnswer)
        ]

    async def _patiently(self, work: Callable[[Endpoint], Awaitable[T]]) -> T:
        """What ``work`` gives; asked again while all nodes say that they are not there yet."""
        return await self._until_there(partial(self._endpoints.ask, work))

    async def _until_there(self, ask: Callable[[], Awaitable[T]]) -> T:
        for _ in range(self._settings.attempts - 1):
            try:
                return await ask()
            except Behind:
                await self._endpoints.sleep(self._settings.poll_s)
        try:
            return await ask()
        except Behind as fault:
            raise UpstreamUnavailable(
                self._endpoints.provider, retry_after_s=self._settings.poll_s
            ) from fault


def said(answer: T | RpcError | None, method: str) -> T:
    """An answer that has to be there. Raises: EndpointFault."""
    if isinstance(answer, RpcError):
        raise _fault(answer, method)
    if answer is None:
        raise Behind(f"It has no answer to {method} yet.")
    return answer


def _fault(error: RpcError, method: str) -> EndpointFault:
    message = error.message[:200]
    if error.code in _NOT_YET:
        return Behind(f"It is not there yet: {message}")
    if error.limits_rate:
        return Overloaded(f"It wants fewer requests: {message}")
    return Unsupported(f"It answers {method} with an error: {message}")
