"""From the rows of a statement to records, and what may be left out of them or read along."""

import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

Record = TypeVar("Record", bound=msgspec.Struct)
Function = TypeVar("Function", bound=Callable[..., Any])
#: Columns of an answer that somebody looks at; None for all.
Columns = frozenset[str] | None

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FAR_MS: Final = 2**42  # in the year 2109
_NONE: Final[frozenset[str]] = frozenset()


class LookUp(msgspec.Struct, frozen=True):
    """A statement that answers the records of ``$ids``, each with its ``id``."""

    statement: str
    record: type[Any]


class ReadAlong(msgspec.Struct, frozen=True, kw_only=True):
    """A look-up by what ``columns`` of a record name, and who takes what it finds.

    ``wanted`` columns of it are read; ``take`` hears of every id that was looked up, with its
    record, or None where there is none.
    """

    columns: tuple[str, ...]
    look_up: LookUp
    wanted: Columns
    take: Callable[[dict[Any, Any]], None]


def looks_up(statement: str, record: type[Any]) -> Callable[[Function], Function]:
    """Declare that a function answers just the records of the statement by their ids."""

    def declare(function: Function) -> Function:
        function.look_up = LookUp(statement, record)  # type: ignore[attr-defined]
        return function

    return declare


def look_up_of(function: object) -> LookUp | None:
    """What a function was declared to look up."""
    return getattr(function, "look_up", None)


def left_out_of(record: type[msgspec.Struct], columns: Columns) -> frozenset[str]:
    """The fields of a record that need not be read where ``columns`` are looked at."""
    return _NONE if columns is None else _others(record, columns)


@lru_cache(maxsize=1_000)
def _others(record: type[msgspec.Struct], columns: frozenset[str]) -> frozenset[str]:
    own: frozenset[str] = getattr(record, "own", _NONE)
    return frozenset(record.__struct_fields__) - columns - own


def records(
    record: type[Record],
    keys: Sequence[str],
    rows: list[list[Any]],
    left_out: frozenset[str] = _NONE,
) -> list[Record]:
    """The rows of a statement with the columns ``keys``; fields that were left out are None."""
    return _maker(record, tuple(keys), left_out)(rows) if rows else []


@lru_cache(maxsize=1_000)
def _maker(
    record: type[msgspec.Struct], keys: tuple[str, ...], left_out: frozenset[str]
) -> Callable[[list[list[Any]]], list[Any]]:
    """A function from rows to records: a line of code for each record class and its columns."""
    fields = record.__struct_fields__
    if set(fields) != {*keys, *left_out} or left_out.intersection(keys):
        raise TypeError(f"{record.__name__} has the fields {fields}, the statement {keys}.")
    hints = get_type_hints(record)
    places = {key: f"row[{place}]" for place, key in enumerate(keys)}
    values = [
        f"None if {place} is None else moment({place})" if _is_moment(hints[field]) else place
        for field in fields
        for place in [places.get(field, "None")]
    ]
    parameters = inspect.signature(record).parameters.values()
    if any(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters):
        values = [f"{field}={value}" for field, value in zip(fields, values, strict=True)]
    text = f"lambda rows: [record({', '.join(values)}) for row in rows]"
    make: Callable[[list[list[Any]]], list[Any]] = eval(  # noqa: S307
        text, {"record": record, "moment": moment}
    )
    return make


def named_by(
    columns: tuple[str, ...], keys: Sequence[str], rows: list[list[Any]]
) -> dict[Any, None]:
    """What the columns of the rows say, each once."""
    places = [keys.index(column) for column in columns]
    return {row[place]: None for row in rows for place in places if row[place] is not None}


def milliseconds(moment: datetime) -> int:
    """A moment as epoch milliseconds."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=4_096)  # rows of one block have one time
def moment(epoch_ms: int) -> datetime:
    """Epoch milliseconds as an aware UTC moment."""
    if 0 <= epoch_ms < _FAR_MS:  # half the time; not every platform knows other moments this way
        return datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def _is_moment(hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return datetime in get_args(hint)
    return hint is datetime
