"""Nodes that lie: each lie is found and named, the liar is left alone, and nothing wrong comes out.

A proxy stands before a real node and changes what it says.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from graph_api.domain.errors import UpstreamUnavailable
from ingest.providers.faults import (
    BrokenLink,
    Contradicted,
    Lie,
    MissingLogs,
    NoEndpoint,
    StaleHead,
    WrongBlock,
    WrongChain,
)
from ingest.providers.health import EndpointStatus
from ingest.sources.chain import BlockFacts, Reorged
from ingest.sources.evm.reading import EvmReading, ReceiptsBy
from ingest.sources.evm.source import EvmSource
from tests.ingest.providers.serving import Node, Refusal, served
from tests.ingest.sources.evm_chain import Chain, read, source_of

pytest_plugins = ["tests.ingest.sources.evm_fixtures"]

#: Changes an answer: gets the method, its parameters and the true answer.
Lying = Callable[[str, Sequence[Any], Any], Any]

ALICE = "0x" + "a1" * 20
LAST = 3


@asynccontextmanager
async def liar(chain: Chain, lying: Lying) -> AsyncIterator[Node]:
    """A node that asks the true one and changes what it hears."""

    async def answering(method: str, params: Sequence[Any]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        told = (await chain.node.client.post(chain.node.url, json=body)).json()
        if "error" in told:
            raise Refusal(told["error"]["code"], told["error"]["message"])
        return lying(method, params, told["result"])

    async with served(answering) as node:
        yield node


async def some_blocks(chain: Chain) -> list[BlockFacts]:
    """Three blocks with logs and payments in them, and what is true of them."""
    coin = await chain.deploy("Coin", ["string", "string", "uint256"], "Test coin", "TST", 10**9)
    await chain.call(coin, "scatter(uint160,uint256)", 1 << 99, 5)
    await chain.pay(ALICE, 1)
    async with source_of(chain.node.url) as source:
        return await read(source, 0, LAST)


def another_chain(method: str, _: Sequence[Any], told: Any) -> Any:
    return "0x5" if method == "eth_chainId" else told


def another_number(method: str, _: Sequence[Any], told: Any) -> Any:
    return {**told, "number": "0x1"} if method == "eth_getBlockByNumber" and told else told


def no_last_log(method: str, _: Sequence[Any], told: Any) -> Any:
    if method == "eth_getBlockReceipts" and told and told[0]["logs"]:
        return [{**told[0], "logs": told[0]["logs"][:-1]}, *told[1:]]
    return told


def no_logs_and_no_bloom_of_the_receipt(method: str, _: Sequence[Any], told: Any) -> Any:
    if method == "eth_getBlockReceipts" and told and told[0]["logs"]:
        return [{**told[0], "logs": [], "logsBloom": "0x" + "00" * 256}, *told[1:]]
    return told


def another_account_in_a_log(method: str, _: Sequence[Any], told: Any) -> Any:
    if method == "eth_getBlockReceipts" and told and told[0]["logs"]:
        log = told[0]["logs"][0]
        mine = [*log["topics"][:2], "0x" + "00" * 12 + "66" * 20]
        return [{**told[0], "logs": [{**log, "topics": mine}, *told[0]["logs"][1:]]}, *told[1:]]
    return told


def receipts_of_another_block(method: str, _: Sequence[Any], told: Any) -> Any:
    if method == "eth_getBlockReceipts" and told:
        return [{**receipt, "blockHash": "0x" + "11" * 32} for receipt in told]
    return told


def too_few_receipts(method: str, _: Sequence[Any], told: Any) -> Any:
    return told[1:] if method == "eth_getBlockReceipts" else told


def traces_of_another_block(method: str, _: Sequence[Any], told: Any) -> Any:
    if method == "trace_block" and told:
        return [{**trace, "blockHash": "0x" + "11" * 32} for trace in told]
    return told


def a_broken_link(method: str, params: Sequence[Any], told: Any) -> Any:
    if method == "eth_getBlockByNumber" and params[0] == "0x2" and told:
        return {**told, "parentHash": "0x" + "22" * 32}
    return told


@pytest.mark.parametrize(
    ("lying", "lie"),
    [
        (another_chain, WrongChain),
        (another_number, WrongBlock),
        (no_last_log, MissingLogs),
        (no_logs_and_no_bloom_of_the_receipt, MissingLogs),
        (another_account_in_a_log, MissingLogs),
        (receipts_of_another_block, WrongBlock),
        (too_few_receipts, WrongBlock),
        (traces_of_another_block, WrongBlock),
        (a_broken_link, BrokenLink),
    ],
)
async def test_a_lie_is_named_and_the_next_endpoint_is_asked(
    chain: Chain, lying: Lying, lie: type[Lie]
) -> None:
    truth = await some_blocks(chain)
    async with liar(chain, lying) as node, source_of(node.url, chain.node.url) as source:
        assert await read(source, 0, LAST) == truth
        status = source.endpoints.status()

    assert [one.state for one in status] == ["quarantined", "healthy"]
    assert (status[0].fault, status[0].remedy) == (lie.name, lie.remedy)
    assert "a-key" not in repr(status)


@pytest.mark.parametrize("lying", [another_chain, no_last_log, a_broken_link])
async def test_a_liar_alone_gives_nothing(chain: Chain, lying: Lying) -> None:
    await some_blocks(chain)
    async with liar(chain, lying) as node, source_of(node.url) as source:
        with pytest.raises(NoEndpoint, match="No endpoint of Ethereum can be used") as caught:
            await read(source, 0, LAST)

    (fault,) = caught.value.faults.values()
    assert isinstance(fault, Lie)
    assert isinstance(caught.value, UpstreamUnavailable)


async def test_logs_by_windows_are_held_against_the_bloom(chain: Chain) -> None:
    truth = await some_blocks(chain)

    def one_less(method: str, _: Sequence[Any], told: Any) -> Any:
        return told[:-1] if method == "eth_getLogs" else told

    reading = EvmReading(receipts=ReceiptsBy.LOGS, stale_after_s=None)
    async with (
        liar(chain, one_less) as node,
        source_of(node.url, chain.node.url, reading=reading) as source,
    ):
        assert await read(source, 0, LAST) == truth
        assert source.endpoints.status()[0].fault == MissingLogs.name


async def test_a_head_that_stays_behind_is_stale(chain: Chain) -> None:
    await chain.node.call("anvil_mine", hex(40))

    def old_head(method: str, params: Sequence[Any], told: Any) -> Any:
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            return {**told, "number": "0x1"}
        return told

    async with liar(chain, old_head) as node, source_of(node.url, chain.node.url) as source:
        head = await source.head()
        assert head.number == 40
        status = source.endpoints.status()

    assert (status[0].fault, status[0].state) == (StaleHead.name, "quarantined")
    assert status[0].fault_text == "Its newest block is 39 below that of another endpoint."


async def test_a_head_that_is_too_old_is_stale(chain: Chain) -> None:
    later = 3_600 + int(
        (await chain.node.call("eth_getBlockByNumber", "latest", False))["timestamp"], 16
    )
    reading = EvmReading(stale_after_s=600)
    async with source_of(chain.node.url, reading=reading, now=lambda: later) as source:
        with pytest.raises(NoEndpoint, match="Its newest block, 0, is 3600 s old"):
            await source.head()


def another_past(method: str, params: Sequence[Any], told: Any) -> Any:
    """Names another hash for the blocks up to 20, all of a piece."""
    if method != "eth_getBlockByNumber" or params[0] in ("latest", "finalized"):
        return told
    at = int(params[0], 16)
    false = {"hash": f"0x{at:064x}", "parentHash": f"0x{max(at - 1, 0):064x}", "transactions": []}
    return {**told, **false} if at <= 20 else told


async def asked_in_turn(source: EvmSource) -> list[EndpointStatus]:
    await source.head()
    return source.endpoints.status()


async def test_of_three_endpoints_the_one_with_another_past_is_left_alone(chain: Chain) -> None:
    await chain.node.call("anvil_mine", hex(80))
    async with AsyncExitStack() as stack:
        false = await stack.enter_async_context(liar(chain, another_past))
        true = await stack.enter_async_context(liar(chain, lambda *told: told[2]))
        source = await stack.enter_async_context(source_of(false.url, chain.node.url, true.url))
        status = await asked_in_turn(source)
        facts = await read(source, 5, 10)

    assert [one.state for one in status] == ["quarantined", "healthy", "healthy"]
    assert status[0].fault == Contradicted.name
    hashes = [
        (await chain.node.call("eth_getBlockByNumber", hex(at), False))["hash"] for at in (5, 10)
    ]
    assert [facts[0].ref.hash, facts[-1].ref.hash] == hashes


async def test_of_two_endpoints_that_disagree_neither_is_believed(chain: Chain) -> None:
    await chain.node.call("anvil_mine", hex(80))
    async with (
        liar(chain, another_past) as false,
        source_of(chain.node.url, false.url) as source,
    ):
        with pytest.raises(NoEndpoint, match="different hashes for the final block 16"):
            await source.head()
        assert {one.fault for one in source.endpoints.status()} == {Contradicted.name}


async def test_a_window_below_finality_is_held_against_another_endpoint(chain: Chain) -> None:
    """Also where heads had been compared before the liar began."""
    await chain.node.call("anvil_mine", hex(80))
    began: list[bool] = []

    def later(method: str, params: Sequence[Any], told: Any) -> Any:
        return another_past(method, params, told) if began else told

    async with AsyncExitStack() as stack:
        false = await stack.enter_async_context(liar(chain, later))
        true = await stack.enter_async_context(liar(chain, lambda *told: told[2]))
        source = await stack.enter_async_context(source_of(false.url, chain.node.url, true.url))
        assert {one.state for one in await asked_in_turn(source)} == {"healthy"}
        began.append(True)
        facts = await read(source, 5, 10)
        status = source.endpoints.status()

    assert (status[0].state, status[0].fault) == ("quarantined", Contradicted.name)
    true_hash = (await chain.node.call("eth_getBlockByNumber", "0xa", False))["hash"]
    assert facts[-1].ref.hash == true_hash


async def test_a_reorg_between_block_and_receipts_is_no_lie(chain: Chain) -> None:
    await some_blocks(chain)
    changed: list[bool] = []

    def reorged(method: str, params: Sequence[Any], told: Any) -> Any:
        """Receipts and later answers are of another fork than the first answer."""
        if method == "eth_getBlockReceipts":
            changed.append(True)
            return receipts_of_another_block(method, params, told)
        if method == "eth_getBlockByNumber" and not params[1] and changed:
            return {**told, "hash": "0x" + "33" * 32}
        return told

    async with liar(chain, reorged) as node, source_of(node.url) as source:
        with pytest.raises(Reorged):
            await read(source, 1, LAST)
        assert source.endpoints.status()[0].state == "healthy"


async def test_an_endpoint_that_lags_is_no_liar(chain: Chain) -> None:
    truth = await some_blocks(chain)

    def lags(method: str, params: Sequence[Any], told: Any) -> Any:
        return None if method == "eth_getBlockByNumber" and params[0] == hex(LAST) else told

    async with liar(chain, lags) as node, source_of(node.url, chain.node.url) as source:
        assert await read(source, 0, LAST) == truth
        assert await source.ref(LAST) == truth[-1].ref
        assert {one.state for one in source.endpoints.status()} == {"healthy"}


async def test_what_only_a_resting_endpoint_knows_is_not_called_gone(chain: Chain) -> None:
    """Else a follower would take back what is true."""
    await chain.node.call("anvil_mine", hex(9))

    def at_five(method: str, params: Sequence[Any], told: Any) -> Any:
        if method != "eth_getBlockByNumber":
            return told
        if params[0] == "latest":
            return {**told, "number": "0x5"}
        return told if int(params[0], 16) <= 5 else None

    async with (
        liar(chain, lambda *told: told[2]) as ahead,
        liar(chain, at_five) as behind,
        source_of(ahead.url, behind.url) as source,
    ):
        assert (await source.head()).number == 9
        ahead.status = (500, {})
        with pytest.raises(NoEndpoint):
            await source.ref(8)
        assert await source.ref(10) is None
