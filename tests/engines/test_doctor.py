"""What the doctor finds on real engines, and what it says where something is wrong."""

import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from deskgraph import doctor
from deskgraph.doctor import Finding, State, examine
from deskgraph.engines import arcadedb
from deskgraph.engines.arcadedb import embedded_graph
from deskgraph.engines.errors import EngineError
from deskgraph.engines.folder import EngineFolder
from graph_api.domain.errors import SchemaUnknown
from graph_api.settings import (
    EmbeddedSettings,
    HttpSettings,
    Neo4jSettings,
    RedisSettings,
    Settings,
)
from graph_api.store.address import GraphAddress
from tests.real.redis import start_redis


async def current(address: GraphAddress) -> Finding:
    return Finding("schema", State.OK, f"current at {address.url}")


async def found(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in await examine(settings, schema=current)}


def on_server(address: GraphAddress, home: Path) -> Settings:
    url, user, password = address.url, address.user, address.password
    given = {"url": url, "user": user, "password": password, "database": address.database}
    return Settings(home=home, neo4j=Neo4jSettings.model_validate(given))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


async def test_a_fresh_machine_is_told_that_all_is_well(settings: Settings) -> None:
    findings = await found(settings)

    assert {finding.state for finding in findings.values()} <= {State.OK, State.WARN}
    assert "on its own Java" in findings["embedded graph"].found
    assert "alkey" in findings["embedded bus"].found
    assert "will be made" in findings["data folder"].found
    assert "`deskgraph up` starts it" in findings["graph"].found
    assert "schema" not in findings
    assert not settings.home.exists()


async def test_a_running_graph_is_asked_who_it_is(settings: Settings) -> None:
    async with embedded_graph(settings.home, EmbeddedSettings(heap_mb=256)) as address:
        findings = await found(settings)

    assert "ArcadeDB" in findings["graph"].found
    assert findings["schema"].found == f"current at {address.url}"
    assert findings["analysts"].state is State.OK


async def test_neo4j_community_lets_every_login_write(
    neo4j_address: GraphAddress, tmp_path: Path
) -> None:
    findings = await found(on_server(neo4j_address, tmp_path))

    assert findings["graph"].state is State.OK
    assert findings["analysts"].state is State.WARN
    assert "every login can write" in findings["analysts"].found
    assert "embedded graph" not in findings


async def test_a_server_that_is_too_old_is_named(
    neo4j_address: GraphAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "NEO4J", (9999, 1))
    findings = await found(on_server(neo4j_address, tmp_path))

    assert findings["graph"].state is State.FAIL
    assert "Upgrade" in str(findings["graph"].mend)


async def test_a_refused_login_names_the_settings(
    neo4j_address: GraphAddress, tmp_path: Path
) -> None:
    stranger = GraphAddress(
        url=neo4j_address.url, user="stranger", password="wrong", database="neo4j"
    )
    findings = await found(on_server(stranger, tmp_path))

    assert findings["graph"].state is State.FAIL
    assert "DESKGRAPH_NEO4J__PASSWORD" in str(findings["graph"].mend)
    assert "wrong" not in str(findings)


async def test_a_schema_that_is_not_known_is_a_finding_too(
    neo4j_address: GraphAddress, tmp_path: Path
) -> None:
    async def unknown(_: GraphAddress) -> Finding:
        raise SchemaUnknown("The graph is at migration 99.")

    findings = await examine(on_server(neo4j_address, tmp_path), schema=unknown)

    assert Finding("schema", State.FAIL, "The graph is at migration 99.") in findings


async def test_open_passwords_are_named_with_the_command_that_closes_them(
    settings: Settings,
) -> None:
    folder = EngineFolder(settings.home, "graph")
    folder.prepare()
    folder.password("root")
    folder.password_file("root").chmod(0o644)
    finding = (await found(settings))["data folder"]

    assert finding.state is State.WARN
    assert finding.mend == f"chmod go-rwx {folder.password_file('root')}"


async def test_a_file_where_the_data_should_be_is_a_failure(settings: Settings) -> None:
    settings.home.touch()

    assert (await found(settings))["data folder"].state is State.FAIL


async def test_taken_ports_are_told_apart_by_how_bad_they_are(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        update = {
            "http": HttpSettings(port=port),
            "embedded": EmbeddedSettings(bolt_port=port),
        }
        findings = await found(settings.model_copy(update=update))

    assert findings["api port"].state is State.WARN
    assert findings["bolt port"].state is State.FAIL
    assert arcadedb.PORT_SETTING in str(findings["bolt port"].mend)


async def test_our_own_graph_on_its_port_is_no_trouble(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    embedded = EmbeddedSettings(heap_mb=256, bolt_port=port)
    async with embedded_graph(settings.home, embedded):
        findings = await found(settings.model_copy(update={"embedded": embedded}))

    assert findings["bolt port"].found == f"{port} is in use by the graph"


async def test_a_bus_that_forgets_or_evicts_is_told_apart(tmp_path: Path) -> None:
    async def bus_on(folder: str, *options: str) -> Finding:
        async with start_redis(tmp_path / folder, *options) as url:
            redis = RedisSettings.model_validate({"url": url})
            return (await found(Settings(home=tmp_path, redis=redis)))["bus"]

    forgetful = await bus_on("forgetful")
    evicting = await bus_on("evicting", "--maxmemory-policy", "allkeys-lru")
    faithful = await bus_on("faithful", "--appendonly", "yes", "--appendfsync", "always")

    assert (forgetful.state, evicting.state, faithful.state) == (State.WARN, State.FAIL, State.OK)
    assert "allkeys-lru" in evicting.found


async def test_a_bus_that_is_away_is_a_failure(settings: Settings) -> None:
    redis = RedisSettings.model_validate({"url": "redis://127.0.0.1:1"})

    assert (await found(settings.model_copy(update={"redis": redis})))["bus"].state is State.FAIL


async def test_little_room_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_DISK", sys.maxsize)
    greedy = settings.model_copy(update={"embedded": EmbeddedSettings(heap_mb=65536)})
    monkeypatch.setattr("os.sysconf", lambda _: 2**16)
    findings = await found(greedy)

    assert findings["disk"].state is State.FAIL
    assert findings["memory"].state is State.WARN


@pytest.mark.parametrize(
    ("system", "machine", "libc", "state"),
    [
        ("linux", "x86_64", ("glibc", "2.36"), State.OK),
        ("linux", "aarch64", ("glibc", "2.34"), State.OK),
        ("linux", "x86_64", ("glibc", "2.31"), State.FAIL),
        ("linux", "x86_64", ("", ""), State.FAIL),
        ("linux", "riscv64", ("glibc", "2.40"), State.FAIL),
        ("darwin", "arm64", ("", ""), State.OK),
        ("darwin", "x86_64", ("", ""), State.FAIL),
    ],
)
async def test_machines_without_a_wheel_are_told(
    system: str,
    machine: str,
    libc: tuple[str, str],
    state: State,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = SimpleNamespace(platform=system, version_info=sys.version_info)
    monkeypatch.setattr(doctor, "sys", seen)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: libc)

    assert (await found(settings))["platform"].state is state


async def test_a_missing_wheel_is_a_finding_not_a_crash(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise EngineError("The embedded graph is not installed.")

    monkeypatch.setattr(arcadedb, "bundled_java", missing)
    finding = (await found(settings))["embedded graph"]

    assert (finding.state, finding.found) == (State.FAIL, "The embedded graph is not installed.")
