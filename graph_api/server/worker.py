"""One worker: ``python -m graph_api.server.worker FD`` takes its task from the channel ``FD``.

SIGTERM stops it, SIGHUP makes it part from its connections and end. When the parent is gone, it
stops as well.
"""

import signal
import socket
import sys
from types import FrameType

import msgspec
import structlog

from graph_api.domain.errors import GraphApiError
from graph_api.server.accepting import Shares
from graph_api.server.counting import SharedCounts
from graph_api.server.logs import configure_logging
from graph_api.server.process import SHARES, Task, Word, received
from graph_api.server.serving import Server, stop_when_closed

log = structlog.get_logger("graph_api.server")


def main() -> None:
    """Serve until told to stop; a start that cannot be is told the parent, which says it once."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    try:
        task = received(channel)
    except (EOFError, ConnectionError):
        return
    stop_when_closed(channel.fileno())
    configure_logging(worker=task.number)
    SharedCounts(task.folder).join(task.number)
    try:
        _serve(task, channel)
    except GraphApiError as error:
        _say(channel, Word.of(error))
        sys.exit(2)


def _serve(task: Task, channel: socket.socket) -> None:
    server = Server(
        task.make(task.settings),
        task.settings.http,
        ready=lambda _: _say(channel, Word()),
        shared=(task.number, Shares(task.folder / SHARES)),
    )

    def part(_number: int, _frame: FrameType | None) -> None:
        server.drain()

    signal.signal(signal.SIGHUP, part)
    with socket.socket(fileno=task.listener_fd) as listener:
        server.answer(listener)


def _say(channel: socket.socket, word: Word) -> None:
    try:
        channel.sendall(msgspec.json.encode(word) + b"\n")
    except OSError:
        log.error("parent gone", word=word.refused)


if __name__ == "__main__":
    main()
