"""Names of processes that hold leases, and whether the one behind a name is gone.

A name tells the machine, the process and a random part. Only a process of this machine, in the same
space of process numbers, can be said to be gone; of all others nothing is known, and their leases
expire.
"""

import os
import secrets
import socket
from functools import cache


def new_holder() -> str:
    """A name for this process that no other lease has."""
    return f"{_place()}:{os.getpid()}:{secrets.token_hex(4)}"


def is_gone(holder: str) -> bool:
    """Whether ``holder`` was a process of this machine that has ended."""
    place, _, rest = holder.partition(":")
    number = rest.partition(":")[0]
    if place != _place() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@cache
def _place() -> str:
    # Two containers may have one host name, and count their processes apart.
    try:
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        space = "0"
    return f"{socket.gethostname()}/{space}".replace(":", "-")
