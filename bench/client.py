"""The load of a read bench, in a process of its own: keep-alive connections that ask again at once.

Reads a ``Load`` as JSON from standard input, writes a ``Measured`` to standard output.
"""

import asyncio
import sys
import time
from typing import Any
from urllib.parse import urlencode

import msgspec
import neo4j
import uvloop


class Load(msgspec.Struct):
    """What to ask of whom; with ``bolt`` a statement of the official driver."""

    port: int
    query: str
    connections: int
    seconds: float
    parameters: dict[str, Any] = {}
    bolt: tuple[str, str, str, str] | None = None
    method: str = "POST"
    etag: str | None = None


class Measured(msgspec.Struct):
    """How it went."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_s: float


async def _http(load: Load, until: float, took: list[float]) -> None:
    request = _get(load) if load.method == "GET" else _post(load)
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port, limit=1 << 24)
    while (start := time.perf_counter()) < until:
        writer.write(request)
        await _answer(reader)
        took.append(time.perf_counter() - start)
    writer.close()


def _post(load: Load) -> bytes:
    body = msgspec.json.encode({"query": load.query})
    return (
        b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"accept: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    ) + body


def _get(load: Load) -> bytes:
    known = f"if-none-match: {load.etag}\r\n" if load.etag else ""
    return (
        f"GET /graphql?{urlencode({'query': load.query})} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"accept: application/json\r\n{known}\r\n"
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if head.startswith(b"http/1.1 304"):
        return
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())
    at = head.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(head[at + 15 : head.index(b"\r\n", at)]))
        return
    # Chunked.
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


async def _bolt(load: Load, driver: neo4j.AsyncDriver, until: float, took: list[float]) -> None:
    assert load.bolt is not None
    while (start := time.perf_counter()) < until:
        async with driver.session(
            database=load.bolt[3], default_access_mode=neo4j.READ_ACCESS
        ) as session:
            result = await session.run(neo4j.Query(load.query), load.parameters)
            [list(row) async for row in result]
        took.append(time.perf_counter() - start)


async def _run(load: Load) -> Measured:
    took: list[float] = []
    start, busy = time.perf_counter(), time.process_time()
    until = start + load.seconds
    if load.bolt is None:
        await asyncio.gather(*(_http(load, until, took) for _ in range(load.connections)))
    else:
        url, user, password, _ = load.bolt
        async with neo4j.AsyncGraphDatabase.driver(
            url, auth=(user, password), max_connection_pool_size=load.connections
        ) as driver:
            await asyncio.gather(
                *(_bolt(load, driver, until, took) for _ in range(load.connections))
            )
    took.sort()
    return Measured(
        requests=len(took),
        seconds=time.perf_counter() - start,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[len(took) * 99 // 100] * 1000,
        cpu_s=time.process_time() - busy,
    )


if __name__ == "__main__":
    loaded = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_run(loaded))))
