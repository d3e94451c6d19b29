"""Messages in chunks: what Bolt puts around a message, and how messages are found in a stream."""

from collections.abc import Callable
from typing import Final

from graph_api.store.bolt.faults import AnswerTooLarge

#: Takes a message as a part of a buffer: the buffer, where it begins, where it ends.
Take = Callable[[bytearray, int, int], None]

_LARGEST_CHUNK: Final = 0xFFFF
_END: Final = b"\x00\x00"


def framed(message: bytes) -> bytes:
    """``message`` in as few chunks as its length allows."""
    length = len(message)
    if length <= _LARGEST_CHUNK:
        return length.to_bytes(2, "big") + message + _END
    chunks = (message[start : start + _LARGEST_CHUNK] for start in range(0, length, _LARGEST_CHUNK))
    return b"".join(len(chunk).to_bytes(2, "big") + chunk for chunk in chunks) + _END


class Messages:
    """Finds messages in a stream that arrives in any pieces; a message may span many chunks."""

    def __init__(self, take: Take, *, max_bytes: int) -> None:
        self._take, self._max_bytes = take, max_bytes
        self._arrived, self._begun = bytearray(), bytearray()

    def feed(self, data: bytes) -> None:
        """Hand on every message that is now complete.

        Raises: AnswerTooLarge when one message passes ``max_bytes``, and what taking raises;
        nothing may be fed after that.
        """
        arrived = self._arrived
        arrived += data
        del arrived[: self._found(arrived, len(arrived))]

    @property
    def pending(self) -> bool:
        """Whether a message has begun and is not complete."""
        return bool(self._arrived or self._begun)

    def _found(self, arrived: bytearray, end: int) -> int:
        """Hand on the messages of ``arrived``; answers up to where it is used up."""
        at, begun, take = 0, self._begun, self._take
        while at + 2 <= end:
            start = at + 2
            stop = start + (arrived[at] << 8 | arrived[at + 1])
            if stop > end:
                break
            if stop + 2 <= end and not begun and stop > start and arrived.startswith(_END, stop):
                at = stop + 2
                take(arrived, start, stop)
            else:
                at = stop
                self._piece(arrived, start, stop)
                begun = self._begun
        return at

    def _piece(self, arrived: bytearray, start: int, stop: int) -> None:
        """One chunk of a message in several, or the end of it; an end alone keeps a line alive."""
        begun = self._begun
        if stop > start:
            begun += memoryview(arrived)[start:stop]
            if len(begun) > self._max_bytes:
                raise AnswerTooLarge(self._max_bytes)
        elif begun:
            self._begun = bytearray()
            self._take(begun, 0, len(begun))
