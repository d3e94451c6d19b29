"""What tests fetch once is whole, or is fetched again; and nothing is skipped in silence."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from tests.real import neo4j, packages
from tests.real.available import Unavailable, skip
from tests.real.cache import cached


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "deskgraph"


def test_two_runs_at_once_build_once(home: Path) -> None:
    begun, builds = Event(), []

    def build(draft: Path) -> None:
        begun.set()
        assert not (home / "jars").exists()
        builds.append((draft / "jar").write_text("whole"))

    def second() -> Path:
        begun.wait()
        return cached("jars", build)

    with ThreadPoolExecutor() as pool:
        later = pool.submit(second)
        first = cached("jars", build)

    assert first == later.result()
    assert (first / "jar").read_text() == "whole"
    assert len(builds) == 1


def test_what_was_left_unfinished_is_built_again(home: Path) -> None:
    (home / "jars").mkdir(parents=True)
    (home / "jars" / "half").touch()

    folder = cached("jars", lambda draft: (draft / "jar").touch())

    assert not (folder / "half").exists()
    assert (folder / "jar").exists()


def test_a_build_that_fails_leaves_nothing(home: Path) -> None:
    def fail(_: Path) -> None:
        raise Unavailable("no network")

    with pytest.raises(Unavailable, match="no network"):
        cached("jars", fail)

    assert [path.name for path in home.iterdir()] == [".jars.lock"]


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)]
)
def test_ci_may_not_skip(
    ci: str, outcome: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="there is no Java"):
        skip(Unavailable("there is no Java"))


def test_without_java_the_way_to_have_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match="apt-get install openjdk"):
        neo4j.java()


def test_without_maven_the_way_to_have_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"no Maven here.*maven"):
        neo4j.neo4j_jars()


def test_without_a_package_the_way_to_have_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="apt-get install no-such-package"):
        packages.installed("no-such-program", package="no-such-package")
