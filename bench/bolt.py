"""CPU of the client per statement and per row: the lean reader against ways through the driver.

All ways are asked in turn, round after round, on the same engine in the same run, so that a busy
machine troubles all of them alike. What counts is the best round of each: noise only ever adds.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import neo4j
import uvloop

from bench.engines import ENGINES, scratch_graph
from bench.output import Table, write_json
from graph_api.store.graph import Graph
from tests.real.available import Unavailable

Way = Callable[[str, dict[str, Any]], Awaitable[Any]]

_TRIVIAL: Final = "RETURN $x AS one"
#: Ten columns as a page of transfers has them: ids, texts, integers, floats, nothing.
_PAGE: Final = """UNWIND range(1, $rows) AS i
RETURN 'eip155:1:0x5e2a7d8b1f00000000000000000000000000000000000000000000000000000' + i AS id,
  'eip155:1:0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' AS sender,
  'eip155:1:0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' AS recipient,
  'eip155:1/slip44:60' AS token, '1000000000000000000' AS amount_raw, i * 0.1 AS amount,
  i * 1.7 AS usd, 1700000000000 + i AS block_time, 18000000 + i AS block_number, null AS score"""
_ROWS: Final = 1_000
_AT_ONCE: Final = 16
_READER: Final = "the lean reader"
_DOOR: Final = "driver, as the door asks"


class Cost(msgspec.Struct, kw_only=True):
    """What one way costs on one engine, in µs of the client's CPU."""

    engine: str
    way: str
    alone_us: float = float("inf")
    at_once_us: float = float("inf")
    row_us: float = float("inf")


def ways(lean: Graph, door: Graph) -> dict[str, Way]:
    """Every way to ask, the reader first; all read columns and rows."""
    driver, database = door._driver, door.address.database

    def session() -> neo4j.AsyncSession:
        return driver.session(
            database=database, default_access_mode=neo4j.READ_ACCESS, fetch_size=-1
        )

    def timed(text: str) -> neo4j.Query:
        return neo4j.Query(text, timeout=30.0)

    async def fetched(text: str, parameters: dict[str, Any]) -> Any:
        async with session() as asked:
            return await (await asked.run(timed(text), parameters)).fetch(sys.maxsize)

    async def iterated(text: str, parameters: dict[str, Any]) -> Any:
        async with session() as asked:
            return [list(row) async for row in await asked.run(timed(text), parameters)]

    async def values(text: str, parameters: dict[str, Any]) -> Any:
        async with session() as asked:
            return await (await asked.run(timed(text), parameters)).values()

    async def eager(text: str, parameters: dict[str, Any]) -> Any:
        async with session() as asked:
            return await (await asked.run(timed(text), parameters)).to_eager_result()

    async def executed(text: str, parameters: dict[str, Any]) -> Any:
        return await driver.execute_query(
            timed(text),
            parameters,
            database_=database,
            routing_=neo4j.RoutingControl.READ,
        )

    async def managed(text: str, parameters: dict[str, Any]) -> Any:
        async def work(transaction: neo4j.AsyncManagedTransaction) -> Any:
            return await (await transaction.run(text, parameters)).fetch(sys.maxsize)

        async with session() as asked:
            return await asked.execute_read(work)

    return {
        _READER: lean.read_values,
        _DOOR: door.read_values,
        "driver, fetch()": fetched,
        "driver, async for": iterated,
        "driver, values()": values,
        "driver, to_eager_result()": eager,
        "driver, execute_query": executed,
        "driver, execute_read": managed,
    }


async def costs(engine: str, *, rounds: int, statements: int) -> list[Cost]:
    """All ways in turn, round after round.

    Raises: Unavailable where the engine cannot be started.
    """
    async with scratch_graph(engine) as lean:
        door = await Graph.open(lean.address, reader="driver")
        asked = ways(lean, door)
        found = [Cost(engine=engine, way=name) for name in asked]
        try:
            for _ in range(rounds + 1):
                for cost, way in zip(found, asked.values(), strict=True):
                    await _round(cost, way, statements)
        finally:
            await door.close()
        assert lean.reader is not None
        assert set(lean.reader.tally) == {"asked"}, "the reader called the driver"
    return found


async def _round(cost: Cost, way: Way, statements: int) -> None:
    async def trivial() -> None:
        for _ in range(statements):
            await way(_TRIVIAL, {"x": 1})

    async def at_once() -> None:
        await asyncio.gather(*(trivial() for _ in range(_AT_ONCE)))

    async def pages() -> None:
        for _ in range(3):
            await way(_PAGE, {"rows": _ROWS})

    alone = await _cpu_us(trivial) / statements
    cost.alone_us = min(cost.alone_us, alone)
    cost.at_once_us = min(cost.at_once_us, await _cpu_us(at_once) / statements / _AT_ONCE)
    cost.row_us = min(cost.row_us, (await _cpu_us(pages) / 3 - alone) / _ROWS)


async def _cpu_us(work: Callable[[], Awaitable[None]]) -> float:
    began = time.process_time_ns()
    await work()
    return (time.process_time_ns() - began) / 1e3


def main(arguments: Sequence[str]) -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench bolt", description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--statements", type=int, default=200, help="in each round")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args(arguments)
    found: list[Cost] = []
    for engine in options.engine or ENGINES:
        try:
            found += uvloop.run(costs(engine, rounds=options.rounds, statements=options.statements))
        except Unavailable as reason:
            print(reason, flush=True)
    _print(found)
    write_json(options.json, found)


def _print(found: list[Cost]) -> None:
    table = Table(
        "engine", "way", "µs per statement", "× reader", f"{_AT_ONCE} at once", "× reader",
        "µs per row", "× reader",
    )  # fmt: skip
    readers = {cost.engine: cost for cost in found if cost.way == _READER}
    for cost in found:
        reader = readers[cost.engine]
        table.row(
            cost.engine,
            cost.way,
            f"{cost.alone_us:.0f}",
            f"{cost.alone_us / reader.alone_us:.1f}",
            f"{cost.at_once_us:.0f}",
            f"{cost.at_once_us / reader.at_once_us:.1f}",
            f"{cost.row_us:.2f}",
            f"{cost.row_us / reader.row_us:.1f}",
        )
