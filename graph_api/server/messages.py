"""Messages of graphql-transport-ws: those of clients are checked, ours are put together."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import msgspec
import orjson

from graph_api.server.graphql import GraphQLRequest, read_request
from graph_api.server.refusals import Refusal

SUBPROTOCOL: Final = "graphql-transport-ws"
#: An operation's id is a name, not a text.
LONGEST_ID: Final = 256
#: A close frame holds so much of a reason.
_REASON_BYTES: Final = 120


class Close(IntEnum):
    """Why a socket is closed; the codes above 4000 are those of graphql-transport-ws."""

    GOING_AWAY = 1001
    RESTART = 1012
    TRY_LATER = 1013
    INTERNAL = 4500
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    BAD_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    ID_IN_USE = 4409
    INIT_TWICE = 4429


class Closed(Exception):
    """The socket is to be closed."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Init:
    """The first message; ``payload`` may say who it is."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """An operation, under an id of the client's choice."""

    id: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True)
class Complete:
    """An operation is not wanted any more."""

    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a pong."""


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a ping."""


Message = Init | Subscribe | Complete | Ping | Pong


def read(text: str) -> Message:
    """The message that a client sent. Raises: Closed (4400)."""
    said = _object(_decoded(text), "A message")
    match said.get("type"):
        case "connection_init":
            return Init(_payload(said))
        case "ping":
            _payload(said)
            return Ping()
        case "pong":
            _payload(said)
            return Pong()
        case "complete":
            return Complete(_id(said))
        case "subscribe":
            identity = _id(said)
            try:
                return Subscribe(identity, read_request(_object(said.get("payload"), "A payload")))
            except Refusal as refusal:
                raise Closed(Close.BAD_REQUEST, refusal.message) from refusal
        case _:
            raise Closed(Close.BAD_REQUEST, "A message has a type that the protocol does not know.")


ACK: Final = b'{"type":"connection_ack"}'
PONG: Final = b'{"type":"pong"}'


def ping(cursors: dict[str, str]) -> bytes:
    """A ping that says where each subscription may go on."""
    return orjson.dumps({"type": "ping", "payload": {"cursors": cursors}})


def next_prefix(identity: str) -> bytes:
    """What stands before an answer; a brace stands behind it."""
    return b'{"id":%b,"type":"next","payload":' % orjson.dumps(identity)


def error(identity: str, errors: list[Any]) -> bytes:
    """The operation ends with errors."""
    return orjson.dumps({"id": identity, "type": "error", "payload": errors})


def complete(identity: str) -> bytes:
    """The operation has ended."""
    return orjson.dumps({"id": identity, "type": "complete"})


def cut(reason: str) -> str:
    """A reason that fits into a close frame."""
    return reason.encode()[:_REASON_BYTES].decode(errors="ignore")


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Closed(Close.BAD_REQUEST, "A message is not JSON, or nested too deeply.") from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Closed(Close.BAD_REQUEST, f"{what} is not a JSON object.")
    return value


def _payload(said: dict[str, Any]) -> dict[str, Any]:
    value = said.get("payload")
    return {} if value is None else _object(value, "A payload")


def _id(said: dict[str, Any]) -> str:
    identity = said.get("id")
    if not isinstance(identity, str) or not 1 <= len(identity) <= LONGEST_ID:
        raise Closed(
            Close.BAD_REQUEST, f"An operation's id is a text of 1 to {LONGEST_ID} characters."
        )
    return identity
