"""A real Neo4j Community, from its published jars, as a guarded process of the test session."""

import asyncio
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path

from deskgraph.engines.folder import EngineFolder
from deskgraph.engines.ports import LOOPBACK, reserved_port
from deskgraph.engines.supervise import Engine, supervised, taken_folder
from graph_api.store import probe
from graph_api.store.address import GraphAddress
from tests.real.available import Unavailable
from tests.real.cache import cached

NAME, VERSION = "Neo4j", "5.26.30"
JAVA_VERSIONS = range(17, 22)
USER = DATABASE = "neo4j"
ARTIFACTS = ("org.neo4j.app:neo4j-server", "org.neo4j:neo4j", "org.neo4j:neo4j-consistency-check")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
ARCHIVE, PASSWORD = "classes.jsa", "password"
HOW = (
    "To run the tests on it, install Java 17 to 21 and Maven "
    "(Debian: `apt-get install openjdk-17-jre-headless maven`)."
)

JAVA_OPTIONS = (
    "-Xms256m",
    "-Xmx1g",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-modules=jdk.incubator.vector",
    "-XX:+ExitOnOutOfMemoryError",
)

SETTINGS = """
server.default_listen_address={host}
server.bolt.listen_address={host}:{port}
server.http.enabled=false
server.memory.pagecache.size=128m
db.tx_log.preallocate=false
db.tx_log.rotation.retention_policy=false
dbms.usage_report.enabled=false
"""

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>deskgraph</groupId><artifactId>neo4j-jars</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""


@asynccontextmanager
async def start_neo4j(folder: Path, *, warm: bool = True) -> AsyncIterator[GraphAddress]:
    """An empty Neo4j below ``folder`` while the block lasts.

    ``warm`` trades speed of work for speed of start; benchmarks leave it out.

    Raises: Unavailable where Java or Maven are missing.
    """
    template = await asyncio.to_thread(prepared_home)
    options = _warm_options(template) if warm else ()
    # A clean stop takes ten seconds, and nobody opens this data again.
    async with _run(folder, options=options, grace_s=0, template=template) as address:
        yield address


def prepared_home() -> Path:
    """An empty database with a password, and an archive of the classes that a start loads."""
    name = f"neo4j-{VERSION}-home-java-{_java_version()}"
    return cached(name, lambda draft: asyncio.run(_prepare(draft)))


def neo4j_jars() -> Path:
    """The folder of the server's jars, fetched once by Maven."""
    return cached(f"neo4j-{VERSION}", _fetch_jars) / "lib"


def class_path() -> str:
    """Every jar by name, as an archive of classes demands."""
    return os.pathsep.join(str(jar) for jar in sorted(neo4j_jars().glob("*.jar")))


def java() -> str:
    """A Java that this Neo4j runs on.

    Raises: Unavailable.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if found is None:
        raise Unavailable(f"Neo4j {VERSION} was not tested: there is no Java here. {HOW}")
    return found


@cache
def _java_version() -> str:
    words = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True).stderr
    version = re.search(r'version "((\d+)[^"]*)"', words)
    if version is None or int(version[2]) not in JAVA_VERSIONS:
        said = words.partition("\n")[0]
        raise Unavailable(f"Neo4j {VERSION} was not tested: it does not run on {said}. {HOW}")
    return version[1]


def _fetch_jars(draft: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable(f"Neo4j {VERSION} was not tested: there is no Maven here. {HOW}")
    (draft / "pom.xml").write_text(POM.format(dependencies="".join(map(_dependency, ARTIFACTS))))
    command = [maven, "-B", "-q", COPY, "-DincludeScope=runtime", f"-DoutputDirectory={draft}/lib"]
    done = subprocess.run(command, cwd=draft, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Neo4j {VERSION} was not tested: Maven failed with {done.stdout[-800:]}")


def _dependency(artifact: str) -> str:
    group, name = artifact.split(":")
    coordinates = {"groupId": group, "artifactId": name, "version": VERSION}
    parts = "".join(f"<{key}>{value}</{key}>" for key, value in coordinates.items())
    return f"<dependency>{parts}</dependency>"


async def _prepare(draft: Path) -> None:
    """Start an empty server once and keep its data; at its end Java writes the archive."""
    (draft / PASSWORD).write_text(secrets.token_urlsafe(16))
    archiving = (f"-XX:ArchiveClassesAtExit={draft / ARCHIVE}",)
    async with _run(draft, options=archiving, grace_s=120):
        pass
    (draft / "neo4j" / "data").rename(draft / "data")
    shutil.rmtree(draft / "neo4j")


def _warm_options(template: Path) -> tuple[str, ...]:
    archive = template / ARCHIVE
    shared = (f"-XX:SharedArchiveFile={archive}",) if archive.exists() else ()
    return (*shared, "-XX:TieredStopAtLevel=1")


@asynccontextmanager
async def _run(
    folder: Path,
    *,
    options: tuple[str, ...],
    grace_s: float,
    template: Path | None = None,
) -> AsyncIterator[GraphAddress]:
    """One server on a free port, with the data of ``template`` or with none."""
    password = ((template or folder) / PASSWORD).read_text()
    home = EngineFolder(folder, "neo4j")
    async with taken_folder(NAME, home) as lock:
        with reserved_port(0, setting="") as port:
            address = GraphAddress(
                url=f"bolt://{LOOPBACK}:{port}", user=USER, password=password, database=DATABASE
            )
            (home.path / "conf").mkdir()
            (home.path / "conf" / "neo4j.conf").write_text(
                SETTINGS.format(host=LOOPBACK, port=port)
            )
            if template:
                shutil.copytree(template / "data", home.path / "data")
            else:
                await asyncio.to_thread(_set_password, home.path, password)
            engine = _engine(home, address, port=port, options=options, grace_s=grace_s)
            async with supervised(engine, lock):
                yield address


def _set_password(home: Path, password: str) -> None:
    admin = "org.neo4j.server.startup.Neo4jAdminCommand"
    command = [java(), "-cp", class_path(), admin, "dbms", "set-initial-password", password]
    places = {"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    subprocess.run(command, env=os.environ | places, check=True, capture_output=True)


def _engine(
    home: EngineFolder,
    address: GraphAddress,
    *,
    port: int,
    options: tuple[str, ...],
    grace_s: float,
) -> Engine:
    return Engine(
        name=NAME,
        folder=home,
        command=(
            java(),
            *JAVA_OPTIONS,
            *options,
            "-cp",
            class_path(),
            "org.neo4j.server.CommunityEntryPoint",
            f"--home-dir={home.path}",
            f"--config-dir={home.path}/conf",
        ),
        url=address.url,
        port=port,
        ready=partial(_answers, address),
        start_timeout_s=180,
        grace_s=grace_s,
    )


async def _answers(address: GraphAddress) -> bool:
    return await probe.answers(
        address.url, address.user, password=address.password, database=address.database
    )
