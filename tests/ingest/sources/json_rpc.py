"""A node's front: a real HTTP server on loopback that answers JSON-RPC as it is told to."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

Answers = Callable[[str, list[Any]], Any]


class Refusal(Exception):
    """A node's error answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Front:
    """Where a node is asked, and how often it was, by method."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.asked = answers, Counter[str]()
        self.url = ""

    def reply(self, body: bytes) -> bytes:
        """What it says to a request, batch or not."""
        said = msgspec.json.decode(body)
        if isinstance(said, list):
            return msgspec.json.encode([self._one(call) for call in said])
        return msgspec.json.encode(self._one(said))

    def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        self.asked[call["method"]] += 1
        head = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            return head | {"result": self.answers(call["method"], call.get("params", []))}
        except Refusal as refusal:
            return head | {"error": {"code": refusal.code, "message": refusal.message}}


@contextmanager
def serving(answers: Answers) -> Iterator[Front]:
    """A node at ``url`` for as long as the block lasts."""
    front = Front(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = front.reply(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    front.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
