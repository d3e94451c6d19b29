"""The embedded graph: its folder, its logins, its deaths and its returns."""

import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import neo4j
import pytest
from neo4j.exceptions import AuthError, ClientError, Neo4jError

from deskgraph.engines.arcadedb import embedded_graph, running_graph, running_graph_to_read
from deskgraph.engines.errors import AlreadyRunning, EngineDied, EngineError, PortInUse
from deskgraph.engines.folder import EngineFolder
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.settings import EmbeddedSettings
from graph_api.store import probe
from graph_api.store.address import GraphAddress
from tests.engines.processes import gone, line_of, starter, until

SMALL = EmbeddedSettings(heap_mb=256)

STARTER = """
import asyncio, sys
from pathlib import Path
from deskgraph.engines.arcadedb import embedded_graph
from deskgraph.engines.folder import EngineFolder
from graph_api.settings import EmbeddedSettings

async def main(home):
    async with embedded_graph(home, EmbeddedSettings(heap_mb=256)):
        print(EngineFolder(home, "graph").running().pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


async def ask(address: GraphAddress, statement: str, **parameters: Any) -> list[list[Any]]:
    async with neo4j.AsyncGraphDatabase.driver(
        address.url, auth=(address.user, address.password)
    ) as driver:
        found = await driver.execute_query(statement, parameters, database_=address.database)
    return [list(record) for record in found.records]


def pid_of(home: Path) -> int:
    note = EngineFolder(home, "graph").running()
    assert note
    return note.pid


def of_process(pid: int, what: str) -> str:
    return Path(f"/proc/{pid}/{what}").read_text()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
async def graph(home: Path) -> AsyncIterator[GraphAddress]:
    """One engine for the tests that leave it as they found it."""
    async with embedded_graph(home, SMALL, query_timeout_s=1) as address:
        yield address


async def test_other_commands_find_it_while_it_runs(home: Path, graph: GraphAddress) -> None:
    assert running_graph(home) == graph
    facts = await probe.server_facts(
        graph.url, graph.user, password=graph.password, database=graph.database
    )
    assert "ArcadeDB" in facts.agent


async def test_a_second_start_is_told_who_runs_it(home: Path, graph: GraphAddress) -> None:
    expected = rf"is already running \(pid {pid_of(home)}, {graph.url}\)"
    with pytest.raises(AlreadyRunning, match=expected):
        async with embedded_graph(home, SMALL):
            pytest.fail("two engines on one folder")


async def test_only_we_can_read_what_it_keeps(home: Path, graph: GraphAddress) -> None:
    folder = EngineFolder(home, "graph")

    assert mode_of(folder.path) == 0o700
    assert mode_of(folder.log.parent) == 0o700
    for user in ("root", "analyst"):
        assert mode_of(folder.password_file(user)) == 0o600
    assert graph.password not in of_process(pid_of(home), "cmdline")
    assert graph.password not in repr(graph)


async def test_it_listens_on_the_loopback_alone(home: Path, graph: GraphAddress) -> None:
    """Every listening socket of the process; 0100007F is 127.0.0.1 as the kernel prints it."""
    pid = pid_of(home)
    ours = {os.readlink(link) for link in os.scandir(f"/proc/{pid}/fd")}
    tables = of_process(pid, "net/tcp") + of_process(pid, "net/tcp6")
    rows = [line.split() for line in tables.splitlines()]
    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in ours]

    assert listening
    assert all(place.partition(":")[0].endswith("0100007F") for place in listening)


async def test_the_owner_writes_and_the_analyst_only_reads(home: Path, graph: GraphAddress) -> None:
    analyst = running_graph_to_read(home)
    assert analyst
    await ask(graph, "CREATE (:Note {text: $text})", text="for all")

    assert await ask(analyst, "MATCH (n:Note) RETURN n.text") == [["for all"]]
    for write in (
        "CREATE (:Note {text: 'mine'})",
        "MATCH (n:Note) SET n.text = 'mine'",
        "MATCH (n:Note) DETACH DELETE n",
        "CREATE (:Unheard)",
        "CREATE CONSTRAINT unheard FOR (n:Unheard) REQUIRE n.id IS UNIQUE",
    ):
        with pytest.raises(Neo4jError):
            await ask(analyst, write)
    assert await ask(graph, "MATCH (n) RETURN n.text") == [["for all"]]


async def test_a_wrong_password_is_refused(graph: GraphAddress) -> None:
    with pytest.raises(AuthError):
        await ask(
            GraphAddress(url=graph.url, user="root", password="wrong", database="deskgraph"),
            "RETURN 1",
        )


async def test_a_runaway_statement_is_ended(graph: GraphAddress) -> None:
    endless = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN sum(a * b)"
    with pytest.raises(ClientError, match="exceeded"):
        await ask(graph, endless)


async def test_statements_read_no_files_and_no_networks(graph: GraphAddress) -> None:
    for source in ("file:///etc/hostname", "http://example.com/rows.csv"):
        with pytest.raises(Neo4jError, match=r"disabled|not allowed"):
            await ask(graph, f"LOAD CSV FROM '{source}' AS row RETURN row")


async def test_data_outlives_a_stop_and_the_port_can_be_chosen(tmp_path: Path) -> None:
    async with embedded_graph(tmp_path, SMALL) as address:
        await ask(address, "CREATE (:Note {text: 'kept'})")
        pid, port = pid_of(tmp_path), int(address.url.rpartition(":")[2])

    await gone(pid)
    assert running_graph(tmp_path) is None
    chosen = SMALL.model_copy(update={"bolt_port": port})
    async with embedded_graph(tmp_path, chosen) as again:
        assert again == address
        assert await ask(again, "MATCH (n:Note) RETURN n.text") == [["kept"]]


async def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    async def lose_it() -> None:
        async with embedded_graph(tmp_path, SMALL) as address:
            for number in range(20):
                await ask(address, "CREATE (:Note {number: $number})", number=number)
            os.kill(pid_of(tmp_path), signal.SIGKILL)
            await until(lambda: not EngineFolder(tmp_path, "graph").is_locked())

    with pytest.raises(EngineDied, match="signal 9"):
        await lose_it()
    async with embedded_graph(tmp_path, SMALL) as address:
        assert await ask(address, "MATCH (n:Note) RETURN count(n)") == [[20]]


async def test_one_that_is_kept_up_comes_back_on_its_port(tmp_path: Path) -> None:
    troubles: list[EngineError] = []
    async with embedded_graph(
        tmp_path, SMALL, on_trouble=lambda trouble, _: troubles.append(trouble)
    ) as address:
        await ask(address, "CREATE (:Note)")
        os.kill(first := pid_of(tmp_path), signal.SIGKILL)
        folder = EngineFolder(tmp_path, "graph")
        await until(lambda: (note := folder.running()) is not None and note.pid != first)

        assert running_graph(tmp_path) == address
        assert await ask(address, "MATCH (n:Note) RETURN count(n)") == [[1]]
    assert len(troubles) == 1


async def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    async with starter(STARTER, str(tmp_path)) as process:
        pid = int(await line_of(process))
        process.kill()
        await gone(pid)

    await until(lambda: running_graph(tmp_path) is None)
    async with embedded_graph(tmp_path, SMALL) as address:
        assert await ask(address, "RETURN 1") == [[1]]


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = SMALL.model_copy(update={"bolt_port": port})
        with pytest.raises(PortInUse, match=f"Port {port} .* DESKGRAPH_EMBEDDED__BOLT_PORT"):
            async with embedded_graph(tmp_path, taken):
                pytest.fail("two servers on one port")

    assert not EngineFolder(tmp_path, "graph").is_locked()


async def test_a_lost_password_is_drawn_anew(tmp_path: Path) -> None:
    async with embedded_graph(tmp_path, SMALL) as before:
        pass
    EngineFolder(tmp_path, "graph").password_file("root").unlink()

    async with embedded_graph(tmp_path, SMALL) as after:
        assert after.password != before.password
        assert await ask(after, "RETURN 1") == [[1]]


def test_loosened_permissions_are_tightened(tmp_path: Path) -> None:
    folder = EngineFolder(tmp_path, "graph")
    folder.prepare()
    password = folder.password("root")
    folder.path.chmod(0o755)
    folder.password_file("root").chmod(0o644)

    folder.prepare()

    assert folder.password("root") == password
    assert mode_of(folder.path) == 0o700
    assert mode_of(folder.password_file("root")) == 0o600


async def test_a_damaged_database_is_reported_in_the_engines_words(tmp_path: Path) -> None:
    async with embedded_graph(tmp_path, SMALL):
        pass
    (tmp_path / "graph" / "databases" / "deskgraph" / "configuration.json").write_text("{")

    with pytest.raises(EngineDied, match="JsonSyntaxException"):
        async with embedded_graph(tmp_path, SMALL):
            pytest.fail("it started on a damaged database")


async def test_damaged_logins_are_named(tmp_path: Path) -> None:
    users = tmp_path / "graph" / "config" / "server-users.jsonl"
    users.parent.mkdir(parents=True)
    users.write_text("{")

    with pytest.raises(EngineError, match=r"server-users.jsonl is damaged"):
        async with embedded_graph(tmp_path, SMALL):
            pytest.fail("it started with half a login")


async def test_asking_where_nobody_answers_is_not_an_answer() -> None:
    with pytest.raises(UpstreamUnavailable):
        await probe.server_facts(
            "bolt://127.0.0.1:1", "root", password="none", database="deskgraph"
        )
