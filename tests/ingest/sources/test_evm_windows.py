"""Log windows: they shrink by what nodes say, in whatever words, and grow back."""

from collections.abc import Sequence
from typing import Any

import pytest

from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.providers.faults import Unsupported
from ingest.sources.evm.log_windows import allowed_blocks, logs_between, refuses_range
from ingest.sources.evm.words import text_of
from tests.ingest.providers.serving import Refusal, served


@pytest.mark.parametrize(
    ("message", "allowed"),
    [
        ("query returned more than 10000 results", None),
        (
            "query returned more than 10000 results. Try with this block range [0x1, 0x64].",
            100,
        ),
        (
            "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block "
            "range and no limit on the response size, or you can request any block range with a "
            "cap of 10K logs in the response. Based on your parameters and the response size "
            "limit, this block range should work: [0x10, 0x1f]",
            16,
        ),
        ("query exceeds max results 20000, retry with the range 100-149", 50),
        ("eth_getLogs is limited to a 10,000 range", 10_000),
        ("eth_getLogs and eth_newFilter are limited to a 10,000 blocks range", 10_000),
        ("You can make eth_getLogs requests with up to a 500 block range.", 500),
        ("exceed maximum block range: 50000", 50_000),
        ("requested too many blocks from 1 to 9000, maximum is set to 2048", 2_048),
        ("block range greater than 500 max", 500),
        ("block range is too wide", None),
        ("Block range limit exceeded. See more details in the documentation.", None),
        ("logs matched by query exceeds limit of 10000", None),
        ("query timeout exceeded", None),
        ("limit exceeded", None),
        ("response size should not greater than 10000000 bytes", None),
        ("range is too large, max is 1k blocks", 1_000),
        ("please limit the query to at most 1000 blocks", 1_000),
    ],
)
def test_refusals_are_understood(message: str, allowed: int | None) -> None:
    assert refuses_range(message)
    assert allowed_blocks(message) == allowed


@pytest.mark.parametrize("message", ["invalid argument 0: hex string", "internal error"])
def test_other_errors_are_no_refusals(message: str) -> None:
    assert not refuses_range(message)


async def test_windows_shrink_to_what_is_allowed_and_miss_nothing() -> None:
    spans: list[tuple[int, int]] = []

    async def answering(_: str, params: Sequence[Any]) -> Any:
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        if last - first + 1 > 30:
            raise Refusal(-32602, "exceed maximum block range: 30")
        if first <= 100 <= last and last - first > 3:
            raise Refusal(-32005, "query returned more than 10000 results")
        spans.append((first, last))
        return [_log(number) for number in range(first, last + 1)]

    async with served(answering) as node:
        pool = Endpoints.open("Ethereum", [EndpointSettings(url=node.url)])
        (endpoint,) = pool.all
        logs = await logs_between(endpoint, 1, 400, largest=1_000)
        await pool.close()

    assert [int(log.block_number, 16) for log in logs] == list(range(1, 401))
    sizes = [last - first + 1 for first, last in spans]
    assert spans[0] == (1, 30)
    assert min(sizes) < 5
    assert max(sizes[sizes.index(min(sizes)) :]) > 20


async def test_a_refusal_of_a_single_block_is_told() -> None:
    async def answering(_: str, __: Sequence[Any]) -> Any:
        raise Refusal(-32000, "query timeout exceeded")

    async with served(answering) as node:
        pool = Endpoints.open("Ethereum", [EndpointSettings(url=node.url)])
        with pytest.raises(Unsupported, match="query timeout exceeded"):
            await logs_between(pool.all[0], 1, 64, largest=64)
        await pool.close()


def _log(number: int) -> dict[str, Any]:
    return {
        "address": "0x" + "aa" * 20,
        "topics": [],
        "data": "0x",
        "logIndex": "0x0",
        "transactionHash": "0x" + "bb" * 32,
        "blockHash": "0x" + "cc" * 32,
        "blockNumber": hex(number),
    }


def _string(content: bytes, *, size: int | None = None) -> str:
    length = len(content) if size is None else size
    return (
        "0x"
        + (
            (32).to_bytes(32)
            + length.to_bytes(32)
            + content.ljust(-(-len(content) // 32) * 32, b"\0")
        ).hex()
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (_string(b"Tether USD"), "Tether USD"),
        (_string("Würfel ⬢".encode()), "Würfel ⬢"),
        ("0x" + b"MKR".ljust(32, b"\0").hex(), "MKR"),
        (_string(b""), None),
        (_string(b"\xff\xfe"), None),
        (_string(b"bad\x1b[31m"), None),
        (_string(b"x" * 129), None),
        (_string(b"short", size=10_000), None),
        ("0x" + ((1 << 255).to_bytes(32) * 2).hex(), None),
        ("0x", None),
        ("0xzz", None),
    ],
)
def test_words_of_contracts_are_read_or_refused(data: str, text: str | None) -> None:
    assert text_of(data) == text
