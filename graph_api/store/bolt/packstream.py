"""PackStream: values to bytes and back, with the compiled codec where its version is known.

The compiled codec trusts lengths: a list that claims two thousand million items makes it ask for
that much memory at once, and the process dies. ``unpack`` is therefore for bytes that
``doubtful`` has cleared; ``unpack_carefully`` trusts nothing.
"""

import struct
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple

from graph_api.store.bolt.faults import Structured, Surprise

#: Releases of ``neo4j-rust-ext`` whose codec was tried; with any other the slower one is used.
KNOWN_RELEASES: Final = ("6.4.",)


class Codec(NamedTuple):
    """One way to pack and unpack; ``unpack`` answers the value and where it ends."""

    name: str
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytearray, int], tuple[Any, int]]


_DEEPEST: Final = 200
_MANY: Final = 2**24
_BYTE, _SHORT, _INT, _LONG, _FLOAT = (struct.Struct(f">{size}") for size in "bhiqd")
_NUMBERS: Final = {0xC1: _FLOAT, 0xC8: _BYTE, 0xC9: _SHORT, 0xCA: _INT, 0xCB: _LONG}
_CONSTANTS: Final = {0xC0: None, 0xC2: False, 0xC3: True}
#: How many bytes tell the length behind these heads, and of what.
_LENGTHS: Final = {
    first + step: (1 << step, kind)
    for first, kind in ((0xCC, "bytes"), (0xD0, "text"), (0xD4, "list"), (0xD8, "map"))
    for step in range(3)
}
_TEXT: Final = 0xD0
_TINY: Final = {0x80: "text", 0x90: "list", 0xA0: "map"}


@cache
def best_codec() -> Codec:
    """The compiled codec where its release is known, else the plain one."""
    return _compiled() or PLAIN


def pack_plainly(value: Any) -> bytes:
    """``value`` as PackStream.

    Raises: ValueError, TypeError or OverflowError for what is no plain value.
    """
    into: list[bytes] = []
    _pack(value, into.append)
    return b"".join(into)


def unpack_carefully(data: bytearray, start: int, end: int | None = None) -> tuple[Any, int]:
    """The value at ``start`` and where it ends; nothing from ``end`` on is looked at.

    Raises: Surprise when it is none, Structured when it holds more than plain values.
    """
    return _Reading(data, len(data) if end is None else end).value(start, 0)


def doubtful(data: bytearray, start: int, end: int) -> bool:
    """Whether the value in ``data[start:end]`` may claim a list or map of very many items.

    Most numbers and texts do not even have a byte that could say so. Of the others the heads are
    read up to the last such byte, so answers that name their numbers first are cleared soonest.
    """
    last = -1
    for head in (b"\xd6", b"\xda"):
        place = data.rfind(head, start, end)
        while place > last:
            if int.from_bytes(data[place + 1 : place + 5], "big") >= _MANY:
                last = place
            else:
                place = data.rfind(head, start, place)
    return last >= 0 and _claims_much(data, start, last)


def _claims_much(data: bytearray, start: int, last: int) -> bool:
    """Whether a head up to the place ``last`` claims very many items, or is none that is known."""
    at, sizes = start, _SIZES
    while at <= last:
        head = data[at]
        if size := sizes[head]:
            at += size
        elif head == _TEXT:  # what most values are is not looked up
            at += 2 + data[at + 1]
        elif 0x90 <= head < 0xB0:
            at += 1
        elif head in _LENGTHS:
            width, kind = _LENGTHS[head]
            length = int.from_bytes(data[at + 1 : at + 1 + width], "big")
            at += 1 + width
            if kind in ("text", "bytes"):
                at += length
            elif length >= _MANY:
                return True
        else:
            return True
    return False


def _sizes() -> list[int]:
    """How many bytes a value takes by its head alone; 0 where the head does not tell."""
    sizes = [0] * 256
    for head in (*range(0x80), *range(0xF0, 0x100), *_CONSTANTS):
        sizes[head] = 1
    for head, form in _NUMBERS.items():
        sizes[head] = 1 + form.size
    for head in range(0x80, 0x90):
        sizes[head] = 1 + (head & 0x0F)
    return sizes


_SIZES: Final = _sizes()


PLAIN: Final = Codec(name="plain", pack=pack_plainly, unpack=unpack_carefully)


def _pack(value: Any, out: Callable[[bytes], None]) -> None:
    if value is None:
        out(b"\xc0")
    elif isinstance(value, bool):
        out(b"\xc3" if value else b"\xc2")
    elif isinstance(value, int):
        out(_packed_integer(value))
    elif isinstance(value, float):
        out(b"\xc1" + _FLOAT.pack(value))
    elif isinstance(value, str):
        text = value.encode()
        out(_head(len(text), 0x80, 0xD0) + text)
    elif isinstance(value, (bytes, bytearray)):
        out(_head(len(value), None, 0xCC) + value)
    elif isinstance(value, list) or type(value) is tuple:
        out(_head(len(value), 0x90, 0xD4))
        for item in value:
            _pack(item, out)
    elif isinstance(value, dict):
        out(_head(len(value), 0xA0, 0xD8))
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("A map's keys are texts.")
            _pack(key, out)
            _pack(item, out)
    else:
        raise ValueError(f"{type(value).__name__} is no plain value.")


def _packed_integer(value: int) -> bytes:
    if -0x10 <= value < 0x80:
        return (value & 0xFF).to_bytes(1, "big")
    for head, form in ((b"\xc8", _BYTE), (b"\xc9", _SHORT), (b"\xca", _INT), (b"\xcb", _LONG)):
        if -(1 << 8 * form.size - 1) <= value < 1 << 8 * form.size - 1:
            return head + form.pack(value)
    raise OverflowError("An integer has at most 64 bits.")


def _head(length: int, tiny: int | None, first: int) -> bytes:
    if tiny is not None and length < 0x10:
        return bytes((tiny | length,))
    for step, size in enumerate((1, 2, 4)):
        if length < 1 << 8 * size:
            return bytes((first + step,)) + length.to_bytes(size, "big")
    raise OverflowError("A value has at most four thousand million parts.")


class _Reading:
    """Reads values within ``data[:end]`` and believes no length that passes the end."""

    def __init__(self, data: bytearray, end: int) -> None:
        self._data, self._end = data, end

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        if at >= self._end or depth > _DEEPEST:
            raise Surprise("A value ends early or is nested too deeply.")
        head = self._data[at]
        if head < 0x80 or head >= 0xF0:
            return (head if head < 0x80 else head - 0x100), at + 1
        if head in _CONSTANTS:
            return _CONSTANTS[head], at + 1
        if head in _NUMBERS:
            form = _NUMBERS[head]
            return form.unpack(self._bytes(at + 1, form.size))[0], at + 1 + form.size
        if head & 0xF0 == 0xB0:
            raise Structured
        return self._sized(head, at + 1, depth)

    def _sized(self, head: int, at: int, depth: int) -> tuple[Any, int]:
        if kind := _TINY.get(head & 0xF0):
            length = head & 0x0F
        elif head in _LENGTHS:
            width, kind = _LENGTHS[head]
            length = int.from_bytes(self._bytes(at, width), "big")
            at += width
        else:
            raise Surprise("A value begins with an unknown byte.")
        if kind == "list":
            return self._list(length, at, depth)
        if kind == "map":
            return self._map(length, at, depth)
        content = self._bytes(at, length)
        return (self._text(content) if kind == "text" else content), at + length

    def _list(self, length: int, at: int, depth: int) -> tuple[list[Any], int]:
        items = []
        for _ in range(length):
            item, at = self.value(at, depth + 1)
            items.append(item)
        return items, at

    def _map(self, length: int, at: int, depth: int) -> tuple[dict[str, Any], int]:
        items = {}
        for _ in range(length):
            key, at = self.value(at, depth + 1)
            if not isinstance(key, str):
                raise Surprise("A map's key is no text.")
            items[key], at = self.value(at, depth + 1)
        return items, at

    def _bytes(self, at: int, length: int) -> bytes:
        if at + length > self._end:
            raise Surprise("A value ends early.")
        return bytes(self._data[at : at + length])

    @staticmethod
    def _text(content: bytes) -> str:
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise Surprise("A text is no UTF-8.") from None


class _Tuples:
    """Tells the compiled codec to take tuples for lists, and nothing else for anything."""

    @staticmethod
    def get_transformer(value: Any) -> Callable[[Any], Any] | None:
        return list if type(value) is tuple else None


def _refuse(structure: Any) -> Any:
    raise Structured


def _compiled() -> Codec | None:
    try:
        if not version("neo4j-rust-ext").startswith(KNOWN_RELEASES):
            return None
        from neo4j._codec.packstream import Structure
        from neo4j._rust.codec.packstream import v1  # type: ignore[import-not-found]
    except (ImportError, PackageNotFoundError):
        return None
    hooks, tuples = {Structure: _refuse}, _Tuples()

    def pack(value: Any) -> bytes:
        packed: bytes = v1.pack(value, tuples)
        return packed

    def unpack(data: bytearray, start: int) -> tuple[Any, int]:
        try:
            found: tuple[Any, int] = v1.unpack(data, start, hooks)
        except ValueError as error:
            raise Surprise("A value cannot be read.") from error
        except BaseException as error:
            # A text that claims to end beyond the buffer: the compiled code panics.
            if type(error).__name__ == "PanicException":
                raise Surprise("A value ends early.") from None
            raise
        return found

    return Codec(name="compiled", pack=pack, unpack=unpack)
