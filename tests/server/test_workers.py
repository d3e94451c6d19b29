"""Several processes as one server: who answers, who takes over, and what is counted."""

import fcntl
import json
import os
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.served import COMMAND, ROOT, Served, served, start
from tests.server.test_around import sample
from tests.server.test_serving import SLOW, refuses_connections

PATIENCE_S = 60.0
COUNTERS = (
    'deskgraph_requests_total{route="/graphql",status="200"}',
    'deskgraph_request_seconds_count{route="/graphql"}',
    'deskgraph_operations_total{outcome="ok",type="query"}',
)


class Crew:
    """A server of two workers, with a data folder and a log that is read from ``since`` on."""

    def __init__(self, server: Served, home: Path, *, since: int = 0) -> None:
        self.server, self.home, self._since = server, home, since
        self.address, self.process = server.address, server.process

    def pid(self) -> int:
        """The process that answers a fresh connection."""
        return int(httpx.get(f"{self.address}/pid", timeout=PATIENCE_S).text)

    def pids(self) -> tuple[int, int]:
        """Both processes: the second answers while the first is held."""
        first = self.pid()
        os.kill(first, signal.SIGSTOP)
        try:
            return first, self.pid()
        finally:
            os.kill(first, signal.SIGCONT)

    def hello(self, times: int = 1) -> None:
        for _ in range(times):
            answer = httpx.post(f"{self.address}/graphql", json={"query": "{ hello }"})
            assert answer.json() == {"data": {"hello": "Hello, world!"}}

    def figure(self, name: str) -> float:
        return sample(httpx.get(f"{self.address}/metrics").text, name)

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log that are of this event."""
        lines = map(json.loads, (self.home / "log").read_text().splitlines()[self._since :])
        return [line for line in lines if line["event"] == event]


@contextmanager
def crew_in(home: Path) -> Iterator[Crew]:
    """A crew whose every file is in ``home``."""
    with served(home / "log", **environment(home)) as server:
        yield Crew(server, home)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    with crew_in(tmp_path_factory.mktemp("crew")) as crew:
        yield crew


@pytest.fixture
def crew(lasting: Crew) -> Iterator[Crew]:
    """One that is used by all tests that leave it with two workers."""
    seen = (lasting.home / "log").read_text().count("\n")
    yield Crew(lasting.server, lasting.home, since=seen)
    eventually(lambda: lasting.figure("deskgraph_workers") == 2)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Crew]:
    """One that the test may end."""
    with crew_in(tmp_path) as crew:
        yield crew


def environment(home: Path) -> dict[str, str]:
    return {
        "DESKGRAPH_HTTP__WORKERS": "2",
        "DESKGRAPH_HOME": str(home),
        "TMPDIR": str(home),
    }


def eventually(holds: Callable[[], object]) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, buried or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_both_workers_answer_and_sign_their_lines(mortal: Crew) -> None:
    first, second = mortal.pids()
    mortal.process.send_signal(signal.SIGTERM)

    assert mortal.process.wait(timeout=PATIENCE_S) == 0
    assert len({first, second, mortal.process.pid}) == 3
    assert {line["worker"] for line in mortal.lines("listening")} == {1, 2}
    assert {line["worker"] for line in mortal.lines("request")} == {1, 2}


def test_a_killed_worker_is_replaced_while_the_other_answers(crew: Crew) -> None:
    killed, other = crew.pids()
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: crew.pid() == other and crew.lines("worker lost"))
    eventually(lambda: crew.figure("deskgraph_workers") == 2 and killed not in crew.pids())

    (lost,) = crew.lines("worker lost")
    assert f"(process {killed}) ended with signal 9." in lost["reason"]
    assert other in crew.pids()


def test_counts_add_up_and_outlive_who_counted(crew: Crew) -> None:
    before = {name: crew.figure(name) for name in COUNTERS}
    answers = COUNTERS[0]
    killed, other = crew.pids()
    crew.hello(times=20)
    os.kill(other, signal.SIGSTOP)
    crew.hello(times=3)
    os.kill(other, signal.SIGCONT)
    eventually(lambda: crew.figure(answers) >= before[answers] + 23)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: crew.lines("worker lost"))
    crew.hello(times=7)
    eventually(lambda: crew.figure("deskgraph_workers") == 2)
    eventually(lambda: crew.figure(answers) >= before[answers] + 30)

    assert {name: crew.figure(name) - before[name] for name in COUNTERS} == dict.fromkeys(
        COUNTERS, 30
    )
    found = crew.figure("deskgraph_document_cache_hits_total")
    read = crew.figure("deskgraph_document_cache_misses_total")
    assert found + read == crew.figure(answers)


def test_what_dies_with_a_worker_is_not_counted_any_more(crew: Crew) -> None:
    killed, other = crew.pids()
    for pid in (other, killed):
        os.kill(pid, signal.SIGSTOP)
        crew.hello()
        os.kill(pid, signal.SIGCONT)
    entries = "deskgraph_document_cache_entries"
    eventually(lambda: crew.figure(entries) >= 2)
    kept = crew.figure(entries)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: crew.lines("worker lost") and crew.figure("deskgraph_workers") == 2)

    assert 1 <= crew.figure(entries) < kept
    assert crew.figure("deskgraph_requests_in_flight") == 1
    numbers = {line["worker"] for line in crew.lines("listening") + crew.lines("request")}
    for worker in numbers:
        assert crew.figure(f'process_resident_memory_bytes{{worker="{worker}"}}') > 0


def test_a_stop_finishes_a_running_query_and_refuses_new_ones(mortal: Crew) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.post, f"{mortal.address}/graphql", json=SLOW, timeout=PATIENCE_S)
        assert mortal.server.next_line() == "entered"
        mortal.process.send_signal(signal.SIGTERM)
        eventually(lambda: refuses_connections(mortal.server))
        assert not answer.done()
        mortal.server.let_go_on()

        assert answer.result(timeout=PATIENCE_S).json() == {"data": {"slow": "done"}}
    assert mortal.process.wait(timeout=PATIENCE_S) == 0
    assert not mortal.lines("worker lost")


def test_workers_are_renewed_without_losing_a_request(crew: Crew) -> None:
    before, answers = crew.pids(), COUNTERS[0]
    counted = crew.figure(answers)
    renewed = False

    def ask(client: httpx.Client) -> int:
        asked = 0
        while not renewed:
            assert client.post(f"{crew.address}/graphql", json={"query": "{ hello }"}).is_success
            asked += 1
        return asked

    def ask_anew() -> int:
        asked = 0
        while not renewed:
            crew.hello()
            asked += 1
        return asked

    with ThreadPoolExecutor() as pool, httpx.Client(timeout=PATIENCE_S) as kept:
        loops = [pool.submit(ask, kept), pool.submit(ask_anew), pool.submit(ask_anew)]
        crew.process.send_signal(signal.SIGHUP)
        try:
            eventually(lambda: all(map(is_gone, before)) or any(loop.done() for loop in loops))
        finally:
            renewed = True
        asked = sum(loop.result() for loop in loops)

    assert not set(before) & set(crew.pids())
    assert len(crew.lines("worker renewed")) == 2
    eventually(lambda: crew.figure(answers) >= counted + asked)
    assert crew.figure(answers) == counted + asked


def test_a_renewal_lets_a_running_query_end(crew: Crew) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.post, f"{crew.address}/graphql", json=SLOW, timeout=PATIENCE_S)
        assert crew.server.next_line() == "entered"
        crew.process.send_signal(signal.SIGHUP)
        eventually(lambda: crew.lines("worker renewed"))
        assert not answer.done()
        crew.server.let_go_on()

        assert answer.result(timeout=PATIENCE_S).json() == {"data": {"slow": "done"}}


def test_a_renewal_that_is_refused_keeps_the_old_workers(crew: Crew) -> None:
    before = crew.pids()
    refuse = crew.home / "refuse"
    refuse.touch()
    crew.process.send_signal(signal.SIGHUP)
    eventually(lambda: crew.lines("workers not renewed"))
    refuse.unlink()

    assert set(crew.pids()) == set(before)
    assert crew.lines("workers not renewed")[0]["reason"] == "The start is refused."


def test_a_start_that_is_refused_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "refuse").touch()
    with start(subprocess.STDOUT, **environment(tmp_path)) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 2
    assert output.splitlines() == ["The start is refused."]


def test_a_worker_that_may_not_come_back_stops_all(mortal: Crew) -> None:
    (mortal.home / "refuse").touch()
    os.kill(mortal.pid(), signal.SIGKILL)

    assert mortal.process.wait(timeout=PATIENCE_S) == 2
    assert (mortal.home / "log").read_text().splitlines()[-1] == "The start is refused."


def test_a_worker_comes_back_when_what_it_needs_does(crew: Crew) -> None:
    (crew.home / "away").touch()
    killed, other = crew.pids()
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: len(crew.lines("worker lost")) == 2)
    assert crew.pid() == other
    (crew.home / "away").unlink()
    eventually(lambda: crew.figure("deskgraph_workers") == 2)

    pauses = [line["again_in_s"] for line in crew.lines("worker lost")]
    assert pauses == sorted(set(pauses))
    assert "does not answer" in crew.lines("worker lost")[1]["reason"]


def test_workers_end_with_their_parent_and_finish_what_they_do(tmp_path: Path) -> None:
    with crew_in(tmp_path) as crew, ThreadPoolExecutor() as pool:
        pids = crew.pids()
        answer = pool.submit(httpx.post, f"{crew.address}/graphql", json=SLOW, timeout=PATIENCE_S)
        assert crew.server.next_line() == "entered"
        crew.process.kill()
        eventually(lambda: refuses_connections(crew.server))
        assert not answer.done()
        crew.server.let_go_on()

        assert answer.result(timeout=PATIENCE_S).json() == {"data": {"slow": "done"}}
        eventually(lambda: all(map(is_gone, pids)))
    (left,) = tmp_path.glob("deskgraph-counts-*")
    with crew_in(tmp_path) as crew:
        (found,) = tmp_path.glob("deskgraph-counts-*")
        assert found != left
        crew.process.send_signal(signal.SIGTERM)
        crew.process.wait(timeout=PATIENCE_S)
    assert not [*tmp_path.glob("deskgraph-counts-*")]


def test_a_terminal_that_is_closed_stops_all(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env={**os.environ, "DESKGRAPH_HTTP__PORT": "0", **environment(tmp_path)},
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        ) as process,
    ):
        os.close(theirs)
        assert process.stdout is not None
        assert process.stdout.readline()
        os.close(ours)

        assert process.wait(timeout=PATIENCE_S) == 0
