"""Tells a terminal that was closed from somebody who sends SIGHUP."""

import os


class Terminal:
    """The terminal that this process was started from, if there was one."""

    def __init__(self) -> None:
        self._was_there = _has_terminal()

    def is_gone(self) -> bool:
        """Whether there was one and is no more."""
        return self._was_there and not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
