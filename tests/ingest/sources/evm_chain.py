"""A real EVM node with contracts on it, and a source that reads it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, account_id
from graph_api.domain.records import Record
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.chain import BlockFacts
from ingest.sources.evm.reading import EvmReading
from ingest.sources.evm.source import EvmSource
from tests.real.anvil import Anvil
from tests.real.solidity import compiled

ETHEREUM = chain_of("ethereum")
#: Anvil's chains begin at the time of the machine, and stand still between blocks.
READING = EvmReading(stale_after_s=None, poll_s=0.05)


class Chain:
    """What a test does on a node: deploy, call, pay. Every transaction has a block of its
    own."""

    def __init__(self, node: Anvil, accounts: Sequence[str]) -> None:
        self.node, self.accounts = node, accounts

    @classmethod
    async def on(cls, node: Anvil) -> "Chain":
        """The chain of ``node``, with its ten rich accounts."""
        return cls(node, await node.call("eth_accounts"))

    async def deploy(self, name: str, types: Sequence[str] = (), *values: Any) -> str:
        """The address of a new contract."""
        code = compiled()[name].bytecode + encode(list(types), list(values)).hex()
        receipt = await self.receipt(await self._send({"data": code}))
        return str(receipt["contractAddress"])

    async def call(
        self, contract: str, signature: str, *values: Any, value: int = 0, by: int = 0
    ) -> str:
        """The hash of a transaction that calls ``name(types)`` of ``contract``."""
        return await self._send(
            {"to": contract, "data": data_of(signature, *values), "value": hex(value)}, by=by
        )

    async def pay(self, to: str, value: int, *, by: int = 0) -> str:
        """The hash of a plain payment."""
        return await self._send({"to": to, "value": hex(value)}, by=by)

    async def receipt(self, transaction: str) -> Any:
        """The receipt of a mined transaction."""
        return await self.node.call("eth_getTransactionReceipt", transaction)

    async def height(self) -> int:
        """The number of the newest block."""
        return int(await self.node.call("eth_blockNumber"), 16)

    async def _send(self, transaction: dict[str, Any], *, by: int = 0) -> str:
        whole = {"from": self.accounts[by], "gas": hex(10_000_000), **transaction}
        # Answers when the transaction is mined, not before.
        receipt = await self.node.call("eth_sendTransactionSync", whole)
        return str(receipt["transactionHash"])


def data_of(signature: str, *values: Any) -> str:
    """What a transaction says to call ``name(types)``."""
    types = signature.partition("(")[2].rstrip(")")
    split = types.split(",") if types else []
    return "0x" + (keccak(signature.encode())[:4] + encode(split, values)).hex()


@asynccontextmanager
async def source_of(
    *urls: str, reading: EvmReading = READING, websocket: str | None = None, **more: Any
) -> AsyncIterator[EvmSource]:
    """A source that asks ``urls``."""
    settings = [EndpointSettings(url=url, websocket=websocket) for url in urls]
    source = EvmSource(ETHEREUM, Endpoints.open("Ethereum", settings), reading=reading, **more)
    try:
        yield source
    finally:
        await source.close()


async def read(source: EvmSource, first: int, last: int) -> list[BlockFacts]:
    """The blocks ``first..last``."""
    return [facts async for facts in source.blocks(first, last)]


def records(facts: Sequence[BlockFacts]) -> list[Record]:
    """All records of all blocks."""
    return [record for one in facts for record in one.records]


def account(address: str) -> AccountId:
    """The id of ``address`` on Ethereum."""
    return account_id(ETHEREUM, address.lower())
