"""Ports of this machine's loopback: reserving one, and asking whether one is taken."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deskgraph.engines.errors import PortInUse

LOOPBACK = "127.0.0.1"


@contextmanager
def reserved_port(port: int, *, setting: str) -> Iterator[int]:
    """``port``, or a free one for 0, that nobody else is given while the block lasts.

    Raises: PortInUse.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind((LOOPBACK, port))
        except (OSError, OverflowError) as error:
            raise PortInUse(port, setting=setting) from error
        chosen: int = holder.getsockname()[1]
        # Linux lets a server with SO_REUSEADDR listen on a port that is bound but not listened
        # to, so holding on keeps it from everybody else's outgoing connections. BSD does not.
        if not sys.platform.startswith("linux"):
            holder.close()
        yield chosen


def is_taken(port: int) -> bool:
    """Whether a program listens on this port of the loopback."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex((LOOPBACK, port)) == 0
