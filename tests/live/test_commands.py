"""``deskgraph events`` as a person runs it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio

from deskgraph.events_commands import durability
from graph_api.domain.events import Lane, Line
from graph_api.live.bus import Bus
from graph_api.live.dead_letters import DeadLetters
from graph_api.live.reading import Batch
from graph_api.live.streams import Streams
from graph_api.services.events import Outbox
from graph_api.store.graph import Graph
from ingest.pipelines.publishing import Publisher
from tests.given import NOW
from tests.live.given import EPOCH, SEEN, events
from tests.real.redis import Server, valkey_program
from tests.store.test_outbox import CHAIN, OTHER, announced


@pytest_asyncio.fixture(scope="module")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One kind of server is enough here."""
    async with Server(valkey_program(), tmp_path_factory.mktemp("commands")) as server:
        yield server


def environment(graph: Graph, server: Server) -> dict[str, str]:
    address = graph.address
    return os.environ | {
        "DESKGRAPH_NEO4J__URL": address.url,
        "DESKGRAPH_NEO4J__USER": address.user,
        "DESKGRAPH_NEO4J__PASSWORD": address.password,
        "DESKGRAPH_NEO4J__DATABASE": address.database,
        "DESKGRAPH_REDIS__URL": server.url,
        "COLUMNS": "200",
    }


@asynccontextmanager
async def command(
    graph: Graph, server: Server, *words: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deskgraph",
        "events",
        *words,
        env=environment(graph, server),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def output(graph: Graph, server: Server, *words: str) -> str:
    """What a command prints that ends by itself, and well."""
    async with command(graph, server, *words) as process:
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def publish(graph: Graph, streams: Streams) -> None:
    publisher = Publisher(Outbox(graph), streams, clock=lambda: NOW)
    await publisher.publish()
    await publisher.leave()


async def test_tail_shows_the_newest_and_what_comes_and_resumes_by_its_cursor(
    graph: Graph, streams: Streams, shared_server: Server
) -> None:
    await announced(graph, *range(1, 21))
    await announced(graph, 1, chain=OTHER)
    await publish(graph, streams)
    options = ("--line", "transfers", "--chain", "ethereum", "--json")

    async with command(graph, shared_server, "tail", "-n", "2", *options) as process:
        assert process.stdout is not None
        first = [json.loads(await process.stdout.readline()) for _ in range(2)]
        await announced(graph, 21)
        await publish(graph, streams)
        came = json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 130

    assert [one["number"] for one in (*first, came)] == [19, 20, 21]
    assert came["body"] == {"told": 21}
    assert (came["line"], came["chain"], came["topic"]) == ("transfers", CHAIN, "transfer.seen")
    cursor = first[1]["cursor"]
    async with command(graph, shared_server, "tail", "--after", cursor, *options) as process:
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["number"] == 21


async def test_tail_is_readable_and_prints_no_control_characters(
    graph: Graph, streams: Streams, shared_server: Server
) -> None:
    await announced(graph, 1, symbol="\x1b[31mEVIL")
    await publish(graph, streams)

    async with command(graph, shared_server, "tail") as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()

    assert line == (
        f"2026-01-15 12:00:00  {CHAIN} #1  transfer.seen  told=1 symbol=\N{REPLACEMENT CHARACTER}"
        "[31mEVIL\n"
    )


async def test_replay_shows_what_is_kept_and_ends(
    graph: Graph, streams: Streams, shared_server: Server
) -> None:
    await announced(graph, *range(1, 11))
    await announced(graph, 7, chain=OTHER)

    shown = await output(graph, shared_server, "replay", "--from", "4", "--to", "6", "--json")

    assert [json.loads(line)["number"] for line in shown.splitlines()] == [4, 5, 6]
    assert await streams.lanes() == [], "nothing is announced by showing it"


async def test_lines_tell_where_everything_stands_and_what_a_crash_costs(
    graph: Graph, streams: Streams, shared_server: Server
) -> None:
    await announced(graph, *range(1, 11), now=NOW - timedelta(days=1))
    await publish(graph, streams)
    await announced(graph, 11, 12)
    async with streams.bus.speaking() as client:
        await client.xgroup_create(streams.key(Lane(Line.TRANSFERS, CHAIN)), "rules", "4-0")

    shown, table = await asyncio.gather(
        output(graph, shared_server, "lines", "--json"), output(graph, shared_server, "lines")
    )

    (line,) = map(json.loads, shown.splitlines())
    assert (line["last"], line["outbox_depth"]) == (12, 12)
    assert (line["stream_length"], line["waiting"]) == (10, 2)
    assert line["groups"][0]["done"] == 4
    assert "a restart empties it (appendonly no); the outbox refills it." in table
    assert "rules at 4" in table

    await output(graph, shared_server, "disband", "rules")
    assert await streams.groups(Lane(Line.TRANSFERS, CHAIN)) == []


async def test_what_a_crash_costs_is_said_for_every_kind_of_bus(bus: Bus) -> None:
    async with bus.speaking() as client:
        try:
            said = [durability(await bus.facts())]
            await client.config_set("appendonly", "yes")
            for fsync in ("everysec", "always"):
                await client.config_set("appendfsync", fsync)
                said.append(durability(await bus.facts()))
        finally:
            await client.config_set("appendonly", "no")

    assert "a restart empties it" in said[0]
    assert "may cost it its last events (appendfsync everysec)" in said[1]
    assert "outlives a crash (appendfsync always)" in said[2]


async def test_dead_letters_are_listed_replayed_and_dropped(
    graph: Graph, shared_server: Server, streams: Streams
) -> None:
    batch = Batch(lane=SEEN, epoch=EPOCH, events=tuple(events(1, 2)))
    letters = DeadLetters(streams, "rules")
    for one in batch.events:
        assert await letters.failed(batch, one, "no \x1b[31mprice", now=NOW, tries=1)
    first, second = map(batch.id_of, batch.events)

    said = await output(graph, shared_server, "dead", "list")
    assert first in said
    assert "\x1b" not in said
    await output(graph, shared_server, "dead", "drop", "rules", second)
    assert "1 to be judged again" in await output(
        graph, shared_server, "dead", "replay", "rules", "--all"
    )
    (row,) = map(
        json.loads, (await output(graph, shared_server, "dead", "list", "--json")).splitlines()
    )
    assert (row["id"], row["again"], row["event"]["body"]) == (first, True, {"told": 1})
    await letters.drop(first)
    assert await output(graph, shared_server, "dead", "list") == "No event is set aside.\n"
