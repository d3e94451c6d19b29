"""API processes hear that the graph has changed, whatever becomes of a load."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from graph_api.live.bus_answers import MARK_KEY, Marks
from graph_api.store.graph import Graph
from ingest.jobs.marking import marking
from tests.given import wallet
from tests.server.served import ROOT


async def mark_of(url: str) -> bytes | None:
    marks = Marks.on(url, timeout_s=5.0)
    found = await marks.read()
    await marks.close()
    return found


@pytest.fixture
async def url(redis_url: str) -> str:
    async with Redis.from_url(redis_url) as client:
        await client.delete(MARK_KEY)
    return redis_url


async def test_a_change_is_told_while_the_block_lasts(url: str) -> None:
    async with marking(url) as mark, asyncio.timeout(20):
        mark()
        while not (first := await mark_of(url)):
            pass
        mark()
        while (second := await mark_of(url)) == first:
            pass

    assert len({first, second, await mark_of(url)}) == 3


async def test_the_last_change_is_told_although_the_block_fails(url: str) -> None:
    with pytest.raises(RuntimeError):
        async with marking(url):
            raise RuntimeError

    assert await mark_of(url)


@pytest.mark.parametrize("away", [None, "redis://127.0.0.1:1/0"])
async def test_a_bus_that_is_away_is_no_trouble(away: str | None) -> None:
    async with marking(away) as mark:
        for _ in range(1_000):
            mark()


async def test_a_load_marks_the_graph_as_changed(graph: Graph, url: str, tmp_path: Path) -> None:
    row = {"from": wallet("a").rpartition(":")[2], "to": wallet("b").rpartition(":")[2]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row | {"value": "1"}) + "\n")
    environment = os.environ | {
        "DESKGRAPH_NEO4J__URL": graph.address.url,
        "DESKGRAPH_NEO4J__USER": graph.address.user,
        "DESKGRAPH_NEO4J__PASSWORD": graph.address.password,
        "DESKGRAPH_NEO4J__DATABASE": graph.address.database,
        "DESKGRAPH_REDIS__URL": url,
        "DESKGRAPH_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "tests.ingest.child", "load", str(tmp_path / "rows.jsonl")]
    command += ["--chain", "ethereum", "--quiet", "--json"]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    assert await mark_of(url)
