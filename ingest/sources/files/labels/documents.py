"""Takes YAML and JSON documents apart entry by entry, with the line on which each one stands.

The text of a document is in memory (``inputs.reading`` bounds it), its objects never are: a pack
of ten times the tags takes ten times the text, a few megabytes, and no more.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import yaml

from graph_api.domain.errors import BadInput

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BLANK: Final = " \t\r\n"


class Item(NamedTuple):
    """An entry of a document's list: its number from 1, its line, what it says, and the header."""

    number: int
    line: int
    value: Any
    header: dict[str, Any]


def yaml_items(text: TextIO, path: Path, *, key: str, before: frozenset[str]) -> Iterator[Item]:
    """The entries of the list ``key`` of a YAML mapping, one at a time, with the header so far.

    Scalars stay the text that they are (an address is no hexadecimal number, ``NO`` is Norway and
    not false); an empty one is None. Keys of ``before`` speak for every entry, so one that comes
    after the list is refused.
    Raises: BadInput.
    """
    try:
        yield from _Parser(text, path).items(key, before)
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        place = f" near line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise BadInput(f"{path} is damaged YAML{place}: {problem}.") from error
    except RecursionError:
        raise BadInput(f"{path} is nested too deeply for a label file.") from None


def json_members(text: TextIO, path: Path) -> Iterator[tuple[int, str, Any]]:
    """Number, key and value of each member of the JSON object in ``text``. Raises: BadInput."""
    whole = text.read()
    decode = json.JSONDecoder().raw_decode
    try:
        at = _expect(whole, 0, "{")
        number = 0
        more = _next(whole, at) != "}"
        while more:
            key, at = decode(whole, _expect(whole, at, '"') - 1)
            value, at = decode(whole, _skip(whole, _expect(whole, at, ":")))
            number += 1
            yield number, key, value
            more = _next(whole, at) == ","
            at = _skip(whole, at) + more
        at = _expect(whole, at, "}")
        if whole[at:].strip():
            raise json.JSONDecodeError("Something follows the object", whole, at)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"{path} is damaged JSON near line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    except ValueError as error:  # Python refuses numbers of more than 4,300 digits.
        raise BadInput(f"{path} has a value that cannot be read: {error}.") from error
    except RecursionError:
        raise BadInput(f"{path} is nested too deeply for a label file.") from None


class _Parser:
    """A YAML document as libyaml's events; anchors are kept, since packs share lists by them."""

    def __init__(self, text: TextIO, path: Path) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self._path = path
        self._anchors: dict[str, Any] = {}

    def items(self, key: str, before: frozenset[str]) -> Iterator[Item]:
        event = next(self._events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self._events)
        if not isinstance(event, yaml.MappingStartEvent):
            raise BadInput(f"{self._path} is no YAML mapping with a list of {key}.")
        header: dict[str, Any] = {}
        seen = False
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._value(event)
            event = next(self._events)
            if name == key and not seen:
                seen = True
                yield from self._entries(event, key, header)
                continue
            if seen and name in before:
                raise BadInput(f"{self._path} says {name!r} after its {key}; move it above them.")
            header[str(name)] = self._value(event)
        if not seen:
            raise BadInput(f"{self._path} has no list of {key}.")

    def _entries(self, event: Any, key: str, header: dict[str, Any]) -> Iterator[Item]:
        if self._value_is_empty(event):
            return
        if not isinstance(event, yaml.SequenceStartEvent):
            raise BadInput(f"{self._path}: {key} is no list.")
        number = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            number += 1
            yield Item(number, _line(event), self._value(event), header)

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            value: Any = None if self._value_is_empty(event) else event.value
        elif isinstance(event, yaml.AliasEvent):
            return self._anchored(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                value.append(self._value(inner))
        else:
            value = self._mapping()
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _mapping(self) -> dict[str, Any]:
        value: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = str(self._value(event))
            inner = self._value(next(self._events))
            if name == "<<" and isinstance(inner, dict):
                value = {**inner, **value}
            else:
                value[name] = inner
        return value

    def _anchored(self, event: Any) -> Any:
        try:
            return self._anchors[event.anchor]
        except KeyError:
            raise BadInput(
                f"{self._path}, line {_line(event)}, refers to *{event.anchor}, which is not there."
            ) from None

    @staticmethod
    def _value_is_empty(event: Any) -> bool:
        return (
            isinstance(event, yaml.ScalarEvent)
            and bool(event.implicit[0])
            and event.value in _NOTHING
        )


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def _next(text: str, at: int) -> str:
    at = _skip(text, at)
    return text[at : at + 1]


def _expect(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expected {sign!r}", text, at)
    return at + 1
