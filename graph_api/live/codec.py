"""Events as they travel: JSON that says its version; line, chain and number are the entry's own."""

from typing import Any, Final

import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import VERSION, Event, Lane, Topic


class UnknownEvent(GraphApiError):
    """An event that this version of the program cannot read."""


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    topic: Topic
    at: int
    body: dict[str, Any]


class _Versioned(msgspec.Struct, frozen=True):
    version: int


_said: Final = msgspec.json.Decoder(_Said)
_versioned: Final = msgspec.json.Decoder(_Versioned)


def encode(event: Event) -> str:
    """What is written to a stream for ``event``."""
    said = _Said(version=event.version, topic=event.topic, at=event.at, body=event.body)
    return msgspec.json.encode(said).decode()


def decode(text: str, lane: Lane, number: int) -> Event:
    """The event that stands on ``lane`` under ``number``. Raises: UnknownEvent."""
    try:
        said = _said.decode(text)
    except msgspec.MsgspecError as error:
        # A later version may know other topics: say that it is later before anything else.
        _check(_version(text), lane, number)
        raise UnknownEvent(f"Event {number} of {lane} is damaged: {error}.") from error
    _check(said.version, lane, number)
    return Event(
        topic=said.topic,
        chain=lane.chain,
        number=number,
        at=said.at,
        body=said.body,
        version=said.version,
    )


def _version(text: str) -> int:
    try:
        return _versioned.decode(text).version
    except msgspec.MsgspecError:
        return VERSION


def _check(version: int, lane: Lane, number: int) -> None:
    if version != VERSION:
        raise UnknownEvent(
            f"Event {number} of {lane} is of version {version}, and this program reads version "
            f"{VERSION}; install the deskgraph that wrote it."
        )
