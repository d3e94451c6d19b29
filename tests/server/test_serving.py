"""A real process: how it starts, what it does with hostile sockets, and how it stops."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.server.served import Served, served, start

SLOW = {"query": "query Slow { slow }"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("server") / "log") as server:
        yield server


def talk(server: Served, request: bytes) -> bytes:
    """Send bytes as they are and return the answer, up to the end of the connection."""
    where = urlsplit(server.address)
    answer = b""
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        try:
            connection.sendall(request)
            while chunk := connection.recv(65_536):
                answer += chunk
        except ConnectionError:
            pass  # it was cut while we were still sending
    return answer


def refuses_connections(server: Served) -> bool:
    where = urlsplit(server.address)
    try:
        socket.create_connection((where.hostname, where.port), timeout=60).close()
    except ConnectionError:
        return True
    return False


def test_a_running_query_is_finished_and_new_ones_are_refused(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(log) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.post, f"{server.address}/graphql", json=SLOW, timeout=60)
        assert server.next_line() == "entered"
        server.process.send_signal(signal.SIGTERM)
        while not refuses_connections(server):
            assert server.process.poll() is None
        assert not answer.done()
        server.let_go_on()

        assert answer.result(timeout=60).json() == {"data": {"slow": "done"}}
        assert server.process.wait(timeout=60) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["listening", "request"]
    assert lines[-1]["operation"] == "Slow"


def test_a_query_that_does_not_end_is_cut_after_the_grace(tmp_path: Path) -> None:
    with (
        served(tmp_path / "log", DESKGRAPH_HTTP__GRACEFUL_STOP_S="0") as server,
        ThreadPoolExecutor() as pool,
    ):
        answer = pool.submit(httpx.post, f"{server.address}/graphql", json=SLOW, timeout=60)
        assert server.next_line() == "entered"
        server.process.send_signal(signal.SIGTERM)
        response = answer.result(timeout=60)
        server.let_go_on()  # the thread that reads the pipe ends too

        assert response.status_code == 503
        assert response.json()["errors"][0]["extensions"] == {"code": "UPSTREAM_UNAVAILABLE"}
        assert server.process.wait(timeout=60) == 0


def test_a_port_in_use_is_one_clear_sentence(tmp_path: Path, server: Served) -> None:
    port = str(urlsplit(server.address).port)
    with start(subprocess.STDOUT, DESKGRAPH_HTTP__PORT=port) as second:
        output, _ = second.communicate(timeout=60)

    assert second.returncode == 2
    (sentence,) = output.splitlines()
    assert f"127.0.0.1:{port}: address already in use; " in sentence
    assert "DESKGRAPH_HTTP__PORT" in sentence


def test_nothing_tells_which_server_it_is(server: Served) -> None:
    assert "server" not in httpx.get(f"{server.address}/health/live").headers


def test_a_body_over_the_limit_gets_its_answer(server: Served) -> None:
    response = httpx.post(
        f"{server.address}/graphql",
        content=b" " * 1_000_001,
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 413
    assert "1000000 bytes" in response.text


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
    ],
)
def test_a_smuggled_request_is_not_answered(server: Served, head: bytes) -> None:
    smuggled = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    request = b"POST /graphql HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n0\r\n\r\n" + smuggled
    answer = talk(server, request)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_head_without_an_end_is_cut(server: Served) -> None:
    endless = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 5_000_000
    answer = talk(server, endless)  # would wait for the end until it times out

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert httpx.get(f"{server.address}/health/live").status_code == 200


def test_several_requests_use_one_connection(server: Served) -> None:
    body = b'{"query": "{ hello }"}'
    one = (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n" % len(body)
    )
    answer = talk(server, (one + b"\r\n" + body) * 2 + one + b"Connection: close\r\n\r\n" + body)

    assert answer.count(b'{"data":{"hello":"Hello, world!"}}') == 3
