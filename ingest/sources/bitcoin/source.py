"""Bitcoin as its nodes tell it: blocks with the coins that they spend, heads by polling.

A node that tells the spent coins (``getblock`` of verbosity 3) is asked once per block. Where it
does not, the transactions that made them are looked up, if it keeps an index of them; else owner
and amount of an input stay open, for the outputs in the graph have both. A node that tells no JSON
of a block gives its bytes, which are read here.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final, TypeVar

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.records import UtxoTransaction
from ingest.providers.endpoints import Endpoint, Endpoints
from ingest.providers.faults import (
    Behind,
    FalseTransactions,
    Garbled,
    Overloaded,
    StaleHead,
    Unsupported,
    WrongBlock,
    WrongChain,
)
from ingest.providers.rpc import Call, RpcError
from ingest.sources.ahead import ahead
from ingest.sources.bitcoin.answers import (
    BlockAnswer,
    ChainInfo,
    HeaderAnswer,
    PlainBlock,
    plain_block,
    plain_transaction,
)
from ingest.sources.bitcoin.blocks import block_facts, unknown_coins
from ingest.sources.bitcoin.checks import check_header
from ingest.sources.bitcoin.serialized import Coin, Header, Point
from ingest.sources.chain import BlockFacts, BlockRef, Reorged
from ingest.sources.witnesses import Witnesses

#: A reader of blocks asks for about so many transactions at a time.
_TRANSACTIONS_AT_ONCE: Final = 4_000
_MOST_BLOCKS_AT_ONCE: Final = 64
_OUT_OF_RANGE: Final = -8
T = TypeVar("T")

_VERBOSITIES: Final = (3, 2, 0)
#: What nodes answer who do not know a verbosity: a wrong value, type or number of parameters.
_REFUSES_VERBOSITY: Final = (-1, -3, -8, -32602)


class BitcoinSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How nodes are followed: a head older than ``stale_after_s`` is not believed, nor one that is
    more than ``stale_blocks`` below that of another node.
    """

    poll_s: float = 10.0
    stale_after_s: float = 4 * 3600.0
    stale_blocks: int = 3


class BitcoinSource:
    """A ``ChainSource`` over Bitcoin nodes; ``now`` gives Unix seconds."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Endpoints,
        *,
        now: Callable[[], float],
        settings: BitcoinSettings | None = None,
    ) -> None:
        self.chain, self._endpoints = chain, endpoints
        self._settings = settings or BitcoinSettings()
        self._witnesses = Witnesses(
            chain,
            endpoints,
            self._told_of,
            stale_after_s=self._settings.stale_after_s,
            stale_blocks=self._settings.stale_blocks,
            now=now,
        )
        self._at_once = 1

    async def head(self) -> BlockRef:
        """The newest block of a node that others do not contradict."""
        return await self._witnesses.newest()

    async def final(self) -> int | None:
        """None: Bitcoin calls no block final."""
        return None

    async def ref(self, number: int) -> BlockRef | None:
        """The block at ``number`` as the chain stands now; None beyond the head."""

        return await self._endpoints.ask(partial(self._ref, number=number))

    async def blocks(self, first: int, last: int) -> AsyncIterator[BlockFacts]:
        """The blocks ``first..last`` in order, each linked to the one before it.

        Raises: Reorged, also when the chain no longer reaches ``last``; UpstreamUnavailable.
        """
        parent: BlockRef | None = None
        async with aclosing(ahead(self._groups(first, last))) as groups:
            async for group in groups:
                for facts in group:
                    if parent is not None and facts.ref.parent_hash != parent.hash:
                        raise Reorged(
                            f"Block {facts.ref.number} of {self.chain.name} does not follow "
                            f"block {parent.number} as it was read."
                        )
                    yield facts
                    parent = facts.ref

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

    async def _groups(self, first: int, last: int) -> AsyncGenerator[list[BlockFacts], None]:
        number = first
        while number <= last:
            wanted = range(number, min(number + self._at_once, last + 1))
            try:
                group = await self._agreed(wanted)
            except Behind as fault:
                raise Reorged(
                    f"The chain of {self.chain.name} does not reach block {wanted[-1]}."
                ) from fault
            self._learn(group)
            yield group
            number = wanted[-1] + 1

    async def _agreed(self, numbers: Sequence[int]) -> list[BlockFacts]:
        """The blocks ``numbers`` from a node that others agree with."""

        async def read(node: Endpoint) -> tuple[Endpoint, list[BlockFacts]]:
            return node, await self._read(node, numbers=numbers)

        while True:
            node, group = await self._endpoints.ask(read)
            if await self._witnesses.agree(node, group[-1].ref):
                return group

    def _learn(self, group: Sequence[BlockFacts]) -> None:
        """Blocks of 2009 hold one transaction, later ones thousands."""
        transactions = sum(
            isinstance(record, UtxoTransaction) for facts in group for record in facts.records
        )
        fitting = _TRANSACTIONS_AT_ONCE * len(group) // max(transactions, 1)
        self._at_once = max(1, min(fitting, 2 * self._at_once, _MOST_BLOCKS_AT_ONCE))

    async def _prove(self, node: Endpoint) -> None:
        """That the node serves this chain; asked once of each."""
        if node.learnt.get("chain") == self.chain.id:
            return
        [answer] = await node.batch([Call("getblockhash", [0])], str)
        genesis = _said(answer, "getblockhash")
        if not genesis.startswith(self.chain.id.partition(":")[2]):
            raise WrongChain(f"Its first block is {genesis[:64]}, not that of {self.chain.name}.")
        node.learnt["chain"] = self.chain.id

    async def _told_of(self, node: Endpoint, number: int | None) -> BlockRef | None:
        return await (self._head(node) if number is None else self._ref(node, number=number))

    async def _ref(self, node: Endpoint, *, number: int) -> BlockRef | None:
        await self._prove(node)
        [named] = await node.batch([Call("getblockhash", [number])], str)
        if isinstance(named, RpcError) and named.code == _OUT_OF_RANGE:
            return None
        return await self._header(node, _said(named, "getblockhash"), number=number)

    async def _head(self, node: Endpoint) -> BlockRef:
        await self._prove(node)
        [info] = await node.batch([Call("getblockchaininfo")], ChainInfo)
        told = _said(info, "getblockchaininfo")
        if told.initialblockdownload:
            raise StaleHead(f"It is still loading the chain: {told.blocks} of {told.headers}.")
        return await self._header(node, told.bestblockhash, number=told.blocks)

    async def _header(self, node: Endpoint, named: str, *, number: int) -> BlockRef:
        [answer] = await node.batch([Call("getblockheader", [named])], HeaderAnswer)
        told = _said(answer, "getblockheader")
        _check_place(told.hash, told.height, named=named, number=number)
        header = _header_of(told)
        check_header(header, named=named)
        return BlockRef(
            number=number, hash=named, parent_hash=header.parent_hash, time=header.time * 1000
        )

    async def _read(self, node: Endpoint, *, numbers: Sequence[int]) -> list[BlockFacts]:
        await self._prove(node)
        names = []
        for named in await node.batch([Call("getblockhash", [n]) for n in numbers], str):
            if isinstance(named, RpcError) and named.code == _OUT_OF_RANGE:
                raise Behind(f"It does not know block {numbers[-1]} yet.")
            names.append(_said(named, "getblockhash"))
        try:
            blocks = [plain_block(told) for told in await self._told(node, names)]
        except BadInput as error:
            raise FalseTransactions(str(error)) from None
        for block, named, number in zip(blocks, names, numbers, strict=True):
            _check_place(block.hash, block.height, named=named, number=number)
        elsewhere = await self._coins(node, blocks)
        return [
            block_facts(block, self.chain, number=number, elsewhere=elsewhere)
            for block, number in zip(blocks, numbers, strict=True)
        ]

    async def _told(self, node: Endpoint, names: Sequence[str]) -> Sequence[BlockAnswer | str]:
        """The blocks in the most telling form that the node has."""
        known = _VERBOSITIES.index(node.learnt.get("verbosity", 3))
        for verbosity in _VERBOSITIES[known:-1]:
            answers = await node.batch(
                [Call("getblock", [named, verbosity]) for named in names], BlockAnswer
            )
            if not any(_refuses_verbosity(answer) for answer in answers):
                node.learnt["verbosity"] = verbosity
                return [_said(answer, "getblock") for answer in answers]
        whole = await node.batch([Call("getblock", [named, 0]) for named in names], str)
        told = [_said(answer, "getblock") for answer in whole]
        node.learnt["verbosity"] = _VERBOSITIES[-1]
        return told

    async def _coins(self, node: Endpoint, blocks: Sequence[PlainBlock]) -> dict[Point, Coin]:
        """The coins that ``blocks`` spend and nobody told, where the node can find them."""
        wanted = {point.txid: None for block in blocks for point in unknown_coins(block)}
        if not wanted or node.learnt.get("transactions") == "not indexed":
            return {}
        found: dict[Point, Coin] = {}
        answers = await node.batch([Call("getrawtransaction", [txid, 0]) for txid in wanted], str)
        for txid, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, RpcError) and not answer.limits_rate:
                if answer.lacks_method or "txindex" in answer.message:
                    node.learnt["transactions"] = "not indexed"
                continue
            serialized = _said(answer, "getrawtransaction")
            for number, coin in enumerate(_outputs(serialized, txid)):
                found[Point(txid, number)] = coin
        return found


def _outputs(serialized: str, txid: str) -> Sequence[Coin]:
    try:
        found = plain_transaction(serialized)
    except BadInput as error:
        raise Garbled(str(error)) from None
    if found.txid != txid:
        raise FalseTransactions(f"Asked for transaction {txid}, it sent {found.txid}.")
    return found.outputs


def _header_of(told: HeaderAnswer) -> Header:
    try:
        return told.header
    except BadInput as error:
        raise Garbled(str(error)) from None


def _check_place(found: str, height: int | None, *, named: str, number: int) -> None:
    if found != named:
        raise WrongBlock(f"Asked for block {named}, it sent {found[:64]}.")
    if height is not None and height != number:
        raise WrongBlock(f"Block {named} is its block {number}, and says {height} of itself.")


def _refuses_verbosity(answer: object) -> bool:
    return isinstance(answer, RpcError) and answer.code in _REFUSES_VERBOSITY


def _said(answer: T | RpcError | None, method: str) -> T:
    """An answer that has to be there. Raises: EndpointFault."""
    if answer is None:
        raise Garbled(f"It answers {method} with nothing.")
    if isinstance(answer, RpcError):
        if answer.limits_rate:
            raise Overloaded(f"It wants fewer requests: {answer.message[:200]}")
        raise Unsupported(f"It answers {method} with an error: {answer.message[:200]}")
    return answer
