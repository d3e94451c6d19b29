"""How dear it is to fetch and decode ERC-20 logs, against a bare loop of AsyncWeb3.

``python -m bench logs [--blocks N] [--logs N] [--rounds N]`` fills a real node (anvil) with blocks
of transfers to accounts that are all new, and reads them in turn

- by AsyncWeb3: each block with its transactions, ``get_logs``, and ``process_log`` of each;
- by AsyncWeb3 with all receipts, whose logs are processed;
- by ``EvmSource.blocks``: blocks and all receipts, every check, into records of the domain;
- by ``logs_between`` and the decoder alone, which is what fetching and decoding logs costs.

CPU is that of the reading process; the node is another.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
from web3 import AsyncHTTPProvider, AsyncWeb3

from bench.output import Table, write_json
from graph_api.domain.chains import chain_of
from graph_api.domain.records import Transfer
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm import checks
from ingest.sources.evm.blocks import events
from ingest.sources.evm.describing import nothing
from ingest.sources.evm.log_windows import logs_between
from ingest.sources.evm.logs import TRANSFER
from ingest.sources.evm.reading import EvmReading, TracesBy
from ingest.sources.evm.source import EvmSource
from tests.ingest.sources.evm_chain import Chain
from tests.real.anvil import Anvil
from tests.real.solidity import compiled

ETHEREUM: Final = chain_of("ethereum")
#: Reads all blocks; returns how many transfers it saw.
Reading = Callable[[], Awaitable[int]]


class Figure(msgspec.Struct):
    """One way of reading, in one round."""

    way: str
    transfers: int
    cpu_us_per_log: float
    blocks_per_s: float


def main(arguments: list[str]) -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench logs", description=__doc__)
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--logs", type=int, default=100, help="in each block")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    figures = asyncio.run(_measured(chosen.blocks, chosen.logs, chosen.rounds))
    write_json(chosen.json, figures)
    _tell(figures)


async def _measured(blocks: int, logs: int, rounds: int) -> list[Figure]:
    figures = []
    with TemporaryDirectory() as folder:
        async with Anvil(Path(folder)) as node:
            coin = await fill(await Chain.on(node), blocks, logs)
            web3 = AsyncWeb3(AsyncHTTPProvider(node.url))
            pool = Endpoints.open("Ethereum", [EndpointSettings(url=node.url)])
            ways: dict[str, Reading] = {
                "AsyncWeb3": lambda: _by_web3(web3, coin, blocks),
                "AsyncWeb3, receipts": lambda: _by_web3_receipts(web3, coin, blocks),
                "EvmSource.blocks": lambda: _by_source(pool, blocks),
                "logs_between": lambda: _by_logs(pool, blocks),
            }
            # The first round opens connections and warms everything up, and is not counted.
            for turn in range(rounds + 1):
                for way, reading in ways.items():
                    figure = await _timed(way, reading, blocks)
                    assert figure.transfers == blocks * logs, figure
                    figures += [figure] if turn else []
            await pool.close()
            await web3.provider.disconnect()
    return figures


async def fill(chain: Chain, blocks: int, logs: int) -> str:
    """A token on ``chain`` that moves ``logs`` times in each of ``blocks`` blocks: its address."""
    types, supply = ["string", "string", "uint256"], 10**15
    coin = await chain.deploy("Coin", types, "Test coin", "TST", supply)
    for block in range(blocks):
        await chain.call(coin, "scatter(uint160,uint256)", (block + 1) << 64, logs)
    return coin


async def _timed(way: str, reading: Reading, blocks: int) -> Figure:
    # Every account is to be new to the bloom, as if the blocks had never been read.
    checks.bits_of.cache_clear()
    cpu, clock = time.process_time(), time.perf_counter()
    transfers = await reading()
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    return Figure(way, transfers, 1e6 * cpu / transfers, blocks / clock)


async def _by_web3(web3: AsyncWeb3[Any], coin: str, blocks: int) -> int:
    event = web3.eth.contract(address=web3.to_checksum_address(coin), abi=compiled()["Coin"].abi)
    transfer, found = event.events.Transfer(), 0
    for number in range(2, blocks + 2):
        await web3.eth.get_block(number, full_transactions=True)
        asked = {"fromBlock": number, "toBlock": number, "topics": [TRANSFER]}
        for log in await web3.eth.get_logs(asked):  # type: ignore[arg-type]
            found += bool(transfer.process_log(log)["args"]["value"])
    return found


async def _by_web3_receipts(web3: AsyncWeb3[Any], coin: str, blocks: int) -> int:
    event = web3.eth.contract(address=web3.to_checksum_address(coin), abi=compiled()["Coin"].abi)
    transfer, found = event.events.Transfer(), 0
    for number in range(2, blocks + 2):
        await web3.eth.get_block(number, full_transactions=True)
        for receipt in await web3.eth.get_block_receipts(number):
            for log in receipt["logs"]:
                found += bool(transfer.process_log(log)["args"]["value"])
    return found


async def _by_source(pool: Endpoints, blocks: int) -> int:
    reading = EvmReading(traces=TracesBy.NONE, stale_after_s=None)
    source = EvmSource(
        ETHEREUM, pool, reading=reading, unknown_tokens=nothing, unknown_accounts=nothing
    )
    found = 0
    async for facts in source.blocks(2, blocks + 1):
        found += sum(isinstance(record, Transfer) for record in facts.records)
    return found


async def _by_logs(pool: Endpoints, blocks: int) -> int:
    chain = ChainRecords(ETHEREUM, decimals={})
    logs = await logs_between(pool.all[0], 2, blocks + 1, largest=2_000, topics=[TRANSFER])
    return sum(isinstance(event, Transfer) for event in events(iter(logs), chain, block_time=None))


def _tell(figures: list[Figure]) -> None:
    table = Table("way", "CPU µs per log", "less than AsyncWeb3", "blocks/s", "faster")
    middle = {
        way: Figure(
            way,
            0,
            median(one.cpu_us_per_log for one in figures if one.way == way),
            median(one.blocks_per_s for one in figures if one.way == way),
        )
        for way in dict.fromkeys(one.way for one in figures)
    }
    peer = middle["AsyncWeb3"]
    for way, figure in middle.items():
        table.row(
            way,
            f"{figure.cpu_us_per_log:.1f}",
            f"{peer.cpu_us_per_log / figure.cpu_us_per_log:.1f}x",
            f"{figure.blocks_per_s:.1f}",
            f"{figure.blocks_per_s / peer.blocks_per_s:.1f}x",
        )
