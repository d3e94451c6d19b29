"""Examines this machine and its engines, and says how to mend what is wrong."""

import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deskgraph.engines import arcadedb, valkey
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.ports import is_taken
from graph_api.domain.errors import GraphApiError
from graph_api.live.bus import Bus, BusFacts
from graph_api.settings import Settings
from graph_api.store import probe
from graph_api.store.address import GraphAddress

GIB = 1024**3
LEAST_DISK, LOW_DISK = 1 * GIB, 5 * GIB
PYTHONS = ((3, 11), (3, 14))
GLIBC = (2, 34)
NEO4J = (5, 26)
REDIS = (7, 0)
MACHINES = {"linux": {"x86_64", "aarch64"}, "darwin": {"arm64"}}
PATIENCE_S = 20.0


class State(StrEnum):
    """How bad it is: warnings can be lived with, failures stop something."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``mend`` says what to do about it."""

    name: str
    state: State
    found: str
    mend: str | None = None


Look = Callable[[Settings], Finding | None]
SchemaLook = Callable[[GraphAddress], Awaitable[Finding]]


async def examine(settings: Settings, *, schema: SchemaLook) -> list[Finding]:
    """Look at everything; ``schema`` is asked about the graph when one can be reached."""
    return [finding async for finding in _examine(settings, schema)]


async def _examine(settings: Settings, schema: SchemaLook) -> AsyncIterator[Finding]:
    for look in LOOKS:
        if finding := _looked(look, settings):
            yield finding
    async for finding in _graph(settings, schema):
        yield finding
    yield await _bus(settings)


def _looked(look: Look, settings: Settings) -> Finding | None:
    try:
        return look(settings)
    except (GraphApiError, OSError, subprocess.SubprocessError) as error:
        return _fail(look.__name__.strip("_").replace("_", " "), str(error))


def _python(_: Settings) -> Finding:
    here, (oldest, newest) = sys.version_info[:2], PYTHONS
    found = f"{platform.python_implementation()} {platform.python_version()}"
    if here < oldest:
        return _fail("python", found, "Use Python 3.11 or later.")
    if here > newest:
        return _warn("python", found, "It was tested up to Python 3.14; use that if in doubt.")
    return _ok("python", found)


def _platform(settings: Settings) -> Finding:
    """The wheels of the embedded engines exist for some machines only."""
    name, glibc = f"{sys.platform} {platform.machine()}", platform.libc_ver()
    mend = "Set DESKGRAPH_NEO4J__URL and DESKGRAPH_REDIS__URL to servers that run elsewhere."
    found = f"{name}, {' '.join(glibc).strip() or 'no glibc'}"
    if settings.neo4j.url and settings.redis.url:
        return _ok("platform", f"{found}; the engines run elsewhere")
    if platform.machine() not in MACHINES.get(sys.platform, set()):
        return _fail("platform", f"{found}; the embedded engines have no wheel for it", mend)
    if sys.platform == "linux" and (glibc[0] != "glibc" or _numbers(glibc[1]) < GLIBC):
        return _fail("platform", f"{found}; the embedded graph needs glibc 2.34 or later", mend)
    return _ok("platform", found)


def _embedded_graph(settings: Settings) -> Finding | None:
    """It must run with the Java of its wheel alone, so nothing else is on its PATH here."""
    if settings.neo4j.url:
        return None
    first = (_output(str(arcadedb.bundled_java()), "-version")).partition("\n")[0]
    return _ok(
        "embedded graph", f"ArcadeDB {_version('arcadedb-embedded')} on its own Java: {first}"
    )


def _embedded_bus(settings: Settings) -> Finding | None:
    if settings.redis.url:
        return None
    server = valkey.bus_server()
    return _ok("embedded bus", f"{(_output(str(server), '--version')).strip()} ({server})")


def _drivers(_: Settings) -> Finding:
    names = ("neo4j", "neo4j-rust-ext", "redis", "strawberry-graphql")
    return _ok("libraries", ", ".join(f"{name} {_version(name)}" for name in names))


def _memory(settings: Settings) -> Finding | None:
    if settings.neo4j.url:
        return None
    heap = settings.embedded.heap_mb * 1024**2
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = f"{total / GIB:.1f} GiB, of which the embedded graph may take {heap / GIB:.1f} GiB"
    if heap > total / 2:
        return _warn("memory", found, "Lower DESKGRAPH_EMBEDDED__HEAP_MB to half of it or less.")
    return _ok("memory", found)


def _disk(settings: Settings) -> Finding:
    place = _nearest(settings.home)
    free = shutil.disk_usage(place).free
    found = f"{free / GIB:.1f} GiB free at {place}"
    mend = "Make room, or set DESKGRAPH_HOME to a folder on a larger disk."
    if free < LEAST_DISK:
        return _fail("disk", found, mend)
    return _warn("disk", found, mend) if free < LOW_DISK else _ok("disk", found)


def _data_folder(settings: Settings) -> Finding:
    home = settings.home.absolute()
    if not home.exists():
        place = _nearest(home)
        if os.access(place, os.W_OK):
            return _ok("data folder", f"{home} will be made on the first start")
        return _fail("data folder", f"{home} cannot be made", f"Let your user write to {place}.")
    if not home.is_dir():
        return _fail("data folder", f"{home} is no folder", "Set DESKGRAPH_HOME to one.")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return _fail("data folder", f"{home} is closed to your user", f"chown -R $USER {home}")
    if open_to_others := [path for path in _private(home) if _is_open(path)]:
        names = " ".join(str(path) for path in open_to_others)
        return _warn("data folder", f"others can read {names}", f"chmod go-rwx {names}")
    return _ok("data folder", f"{home}, and nobody else can read its passwords")


def _api_port(settings: Settings) -> Finding:
    port = settings.http.port
    if port and is_taken(port):
        mend = "If that is not a deskgraph of yours, set DESKGRAPH_HTTP__PORT to another port."
        return _warn("api port", f"a program listens on port {port}", mend)
    return _ok("api port", f"{port} is free" if port else "a free one will be picked")


def _bolt_port(settings: Settings) -> Finding | None:
    port = settings.embedded.bolt_port
    if settings.neo4j.url or not port:
        return None
    running = EngineFolder(settings.home, arcadedb.FOLDER).running()
    if is_taken(port) and not (running and running.port == port):
        mend = f"Stop that program, or set {arcadedb.PORT_SETTING} to another port (0: any)."
        return _fail("bolt port", f"another program listens on port {port}", mend)
    return _ok("bolt port", f"{port} is {'in use by the graph' if running else 'free'}")


#: What is looked at before any engine is asked; extend it here.
LOOKS: tuple[Look, ...] = (
    _python,
    _platform,
    _drivers,
    _memory,
    _disk,
    _data_folder,
    _embedded_graph,
    _embedded_bus,
    _api_port,
    _bolt_port,
)


async def _graph(settings: Settings, schema: SchemaLook) -> AsyncIterator[Finding]:
    """The server, what its logins may do, and its schema."""
    address = settings.neo4j.address or arcadedb.running_graph(settings.home)
    if address is None:
        yield _at_rest("graph", EngineFolder(settings.home, arcadedb.FOLDER))
        return
    try:
        facts = await probe.server_facts(
            address.url, address.user, password=address.password, database=address.database
        )
    except GraphApiError as error:
        yield _fail("graph", str(error), _where_to_look(settings))
        return
    yield _engine(address, facts)
    yield _roles(facts)
    try:
        yield await schema(address)
    except GraphApiError as error:
        yield _fail("schema", str(error))


def _at_rest(name: str, folder: EngineFolder) -> Finding:
    """An engine of ours that does not answer, because nobody has started it or only just."""
    if folder.is_locked():
        return _warn(
            name, "it is starting or stopping", f"If that does not end, read {folder.log}."
        )
    return _ok(name, "it does not run; `deskgraph up` starts it")


def _where_to_look(settings: Settings) -> str:
    if settings.neo4j.url:
        return "Check DESKGRAPH_NEO4J__URL, DESKGRAPH_NEO4J__USER and DESKGRAPH_NEO4J__PASSWORD."
    return f"Read {EngineFolder(settings.home, arcadedb.FOLDER).log}."


def _engine(address: GraphAddress, facts: probe.ServerFacts) -> Finding:
    place = f"Bolt {facts.protocol} at {address.url}, database {address.database}"
    if facts.is_arcadedb:
        return _ok("graph", f"{facts.agent}, {place}")
    found = f"{facts.agent} {facts.edition}, {place}"
    if _numbers(facts.agent) < NEO4J:
        return _fail("graph", found, "Upgrade it to Neo4j 5.26 or later.")
    return _ok("graph", found)


def _roles(facts: probe.ServerFacts) -> Finding:
    if facts.is_arcadedb:
        return _ok("analysts", "they have a login of their own, whose writes the engine refuses")
    if facts.edition == "community":
        mend = "Give analysts `deskgraph cypher`, which only reads, or a copy of the graph."
        return _warn("analysts", "Neo4j Community has no roles: every login can write", mend)
    return _ok("analysts", "this edition has roles; give analysts the role `reader`")


async def _bus(settings: Settings) -> Finding:
    given = settings.redis.url
    url = given.get_secret_value() if given else valkey.running_bus(settings.home)
    if url is None:
        return _at_rest("bus", EngineFolder(settings.home, valkey.FOLDER))
    try:
        bus = await Bus.connect(url)
        try:
            return _bus_engine(bus.place, await bus.facts())
        finally:
            await bus.close()
    except GraphApiError as error:
        return _fail("bus", str(error), "Check DESKGRAPH_REDIS__URL.")


def _bus_engine(place: str, facts: BusFacts) -> Finding:
    found = f"{facts.server} {facts.version} at {place}"
    if _numbers(facts.version) < REDIS:
        return _fail("bus", found, "Upgrade it to Redis 7 or Valkey.")
    if facts.eviction not in {None, "noeviction"}:
        found = f"{found}; it throws keys away when memory is short ({facts.eviction})"
        return _fail("bus", found, "Set maxmemory-policy to noeviction.")
    if not facts.keeps_every_write:
        found = f"{found}; it may forget its last writes in a crash"
        mend = "Set appendonly to yes and appendfsync to always, or live with refilled streams."
        return _warn("bus", found, mend)
    return _ok("bus", f"{found}; it keeps every write")


def _private(home: Path) -> list[Path]:
    """What only its owner should be able to read."""
    folders = [home / name for name in (arcadedb.FOLDER, valkey.FOLDER)]
    present = [folder for folder in folders if folder.is_dir()]
    return [*present, *(file for folder in present for file in folder.glob("*.password"))]


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _nearest(path: Path) -> Path:
    """The folder itself, or the closest one above it that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.is_dir())


def _output(*command: str) -> str:
    """What a program prints, with an empty environment."""
    done = subprocess.run(  # noqa: S603
        command, env={}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S
    )
    return done.stdout.decode(errors="replace")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "missing"


def _numbers(text: str) -> tuple[int, ...]:
    """The first dotted number in a text: Neo4j/5.26.30 gives 5, 26, 30."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _ok(name: str, found: str) -> Finding:
    return Finding(name, State.OK, found)


def _warn(name: str, found: str, mend: str | None) -> Finding:
    return Finding(name, State.WARN, found, mend)


def _fail(name: str, found: str, mend: str | None = None) -> Finding:
    return Finding(name, State.FAIL, found, mend)
