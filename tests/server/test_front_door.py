"""``python -m graph_api`` with two workers, on each engine."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from graph_api.settings import Settings
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault
from tests.given import NOW
from tests.server.served import ROOT
from tests.server.test_around import sample

PATIENCE_S = 60.0
NOBODY = f"eip155:1:0x{1:040x}"
QUESTION = {"query": f'{{ wallet(by: {{accountId: "{NOBODY}"}}) {{ address }} }}'}


@pytest.fixture
async def environment(graph: Graph, tmp_path: Path) -> dict[str, str]:
    """An installation on the graph under test, with a vault of its own."""
    async with await Vault.open(Settings(home=tmp_path).vault_url) as vault:
        await vault.migrate(now=NOW)
    return {
        **os.environ,
        "DESKGRAPH_HOME": str(tmp_path),
        "DESKGRAPH_NEO4J__URL": graph.address.url,
        "DESKGRAPH_NEO4J__USER": graph.address.user,
        "DESKGRAPH_NEO4J__PASSWORD": graph.address.password,
        "DESKGRAPH_NEO4J__DATABASE": graph.address.database,
        "DESKGRAPH_HTTP__PORT": "0",
        "DESKGRAPH_HTTP__WORKERS": "2",
    }


def front_door(
    environment: dict[str, str], stderr: int, *arguments: str
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "graph_api", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def test_two_workers_answer_from_one_graph(environment: dict[str, str]) -> None:
    with front_door(environment, subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            base = address.removesuffix("/graphql")
            for _ in range(4):
                answer = httpx.post(address, json=QUESTION, timeout=PATIENCE_S)
                assert answer.json() == {"data": {"wallet": None}}
            ready = httpx.get(f"{base}/health/ready", timeout=PATIENCE_S)
            text = httpx.get(f"{base}/metrics").text
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE_S) == 0
        finally:
            process.kill()

    assert ready.status_code == 200
    assert sample(text, 'deskgraph_graph_reads_total{reader="lean",reason="none"}') > 0
    assert sample(text, "deskgraph_graph_reads_repeated_total") == 0
    assert sample(text, "deskgraph_workers") == 2


def test_a_wrong_password_is_one_sentence(environment: dict[str, str]) -> None:
    wrong = {**environment, "DESKGRAPH_NEO4J__PASSWORD": "not it, surely"}
    with front_door(wrong, subprocess.STDOUT) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 2
    (sentence,) = output.splitlines()
    assert "refuses the login" in sentence


def test_it_stops_with_who_holds_its_input(environment: dict[str, str]) -> None:
    with front_door(environment, subprocess.DEVNULL, "--while-stdin") as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline()
            process.stdin.close()
            assert process.wait(timeout=PATIENCE_S) == 0
        finally:
            process.kill()


async def test_reads_are_counted_by_who_asked(graph: Graph) -> None:
    address = graph.address
    lean, driver = await Graph.open(address), await Graph.open(address, reader="driver")
    try:
        for one in (lean, driver):
            await one.read_values("RETURN 1 AS one", {})
            await one.read_values("RETURN $x AS x", {"x": NOW})
        assert driver.reads() == {("driver", "setting"): 2}
        assert lean.reads()["lean", "none"] == 1
        assert sum(lean.reads().values()) == 2
    finally:
        await lean.close()
        await driver.close()
