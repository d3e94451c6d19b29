"""The wheel holds all that the command needs, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.tree import ROOT, kept_files

PACKAGES = ("graph_api/", "ingest/", "cypher/", "deskgraph/")
GRAPHIQL = "graph_api/server/static/graphiql/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel of these sources, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("deskgraph-*-py3-none-any.whl")
    return zipfile.Path(built)


def names(wheel: zipfile.Path) -> set[str]:
    return set(wheel.root.namelist())


def test_every_kept_file_of_the_packages_is_in_it(wheel: zipfile.Path) -> None:
    sources = {name for name in kept_files(ROOT) if name.startswith(PACKAGES)}
    assert any(name.endswith(".cypher") for name in sources)
    assert sources - names(wheel) == set()


def test_tests_scripts_and_benchmarks_stay_out(wheel: zipfile.Path) -> None:
    first = {name.partition("/")[0] for name in names(wheel)}
    rooms = {package.rstrip("/") for package in PACKAGES}
    assert {name for name in first if not name.endswith(".dist-info")} == rooms


def test_it_brings_the_command_and_its_licence(wheel: zipfile.Path) -> None:
    (about,) = {name.partition("/")[0] for name in names(wheel) if ".dist-info/" in name}
    assert "deskgraph = deskgraph.__main__:main" in (wheel / about / "entry_points.txt").read_text()
    assert {f"{about}/licenses/LICENSE", f"{about}/licenses/NOTICE"} <= names(wheel)


def test_graphiql_is_in_it_once_built(wheel: zipfile.Path) -> None:
    if not Path(ROOT, GRAPHIQL, "index.html").is_file():
        pytest.skip("GraphiQL is not built; `make graphiql` builds it")
    built = {
        path.relative_to(ROOT).as_posix()
        for path in Path(ROOT, GRAPHIQL).rglob("*")
        if path.is_file()
    }
    assert built - names(wheel) == set()
