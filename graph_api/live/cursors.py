"""Cursors: how far every lane was read, as one opaque text that a client keeps and gives back."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final, NamedTuple, Self

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.events import Lane, Line

_VERSION: Final = 1
_CHECK_BYTES: Final = 4
_LONGEST: Final = 16_384


class Mark(NamedTuple):
    """How far one lane was read: the last number that was seen, and of which epoch."""

    epoch: str
    number: int


class _Written(msgspec.Struct, frozen=True, array_like=True):
    version: int
    marks: list[tuple[Line, str, str, int]]


_written: Final = msgspec.msgpack.Decoder(_Written)


class Cursor(msgspec.Struct, frozen=True):
    """A mark on every lane that was there; a lane that is missing had not begun."""

    marks: Mapping[Lane, Mark] = {}

    def moved(self, lane: Lane, mark: Mark) -> Self:
        """This cursor with ``lane`` read up to ``mark``."""
        return type(self)({**self.marks, lane: mark})

    def only(self, lanes: Iterable[Lane]) -> Self:
        """What this cursor says of ``lanes``."""
        return type(self)({lane: self.marks[lane] for lane in lanes if lane in self.marks})

    def text(self) -> str:
        """The same for equal cursors; safe in a URL."""
        marks = [(lane.line, lane.chain, *mark) for lane, mark in sorted(self.marks.items())]
        body = msgspec.msgpack.encode(_Written(_VERSION, marks))
        return base64.urlsafe_b64encode(_digest(body) + body).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> Self:
        """The cursor that ``text`` is. Raises: BadInput."""
        body = _checked(text)
        try:
            written = _written.decode(body)
            if written.version != _VERSION:
                raise ValueError
        except ValueError as error:
            raise BadInput("The cursor is of another version; begin anew without one.") from error
        return cls(
            {Lane(line, chain): Mark(epoch, number) for line, chain, epoch, number in written.marks}
        )


def _checked(text: str) -> bytes:
    """The bytes of a cursor that has come whole. Raises: BadInput."""
    try:
        if len(text) > _LONGEST:
            raise ValueError
        padded = text + "=" * (-len(text) % 4)
        raw = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadInput("That is no cursor; give one back exactly as it came.") from error
    check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    if check != _digest(body):
        raise BadInput("That is no cursor; give one back exactly as it came.")
    return body


def _digest(body: bytes) -> bytes:
    # Tells what was cut or mistyped; a cursor opens nothing that its bearer could not see anyway.
    return blake2b(body, digest_size=_CHECK_BYTES, person=b"deskgraph-cursor").digest()
