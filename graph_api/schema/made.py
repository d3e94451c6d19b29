"""Types that are made of records column by column, declared so that a plan can read the columns.

A type's ``of`` may be any function. Where it is ``Made``, it says of each attribute which columns
of the record it comes from: standard execution calls it like the function that it stands for; a
plan writes the response from the record itself, and tells the store which columns nobody reads.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)
Kind = TypeVar("Kind")


class From(NamedTuple):
    """What a function makes of some columns, given by place; a column itself without one."""

    columns: tuple[str, ...]
    function: Callable[..., Any] | None = None

    def source(self, record: str, function: str) -> str:
        """Python source of the attribute of ``record``; ``function`` names the function there."""
        read = ", ".join(f"{record}.{column}" for column in self.columns)
        return read if self.function is None else f"{function}({read})"


class Made(Generic[Row, Kind]):
    """How records of one class become objects of the type that has this as its ``of``.

    ``attributes`` names the column of each attribute, or how it follows From several. Those that
    the type computes itself may be named too, for plans: they mean the same there.
    """

    def __init__(self, record: type[Row], /, **attributes: str | From) -> None:
        self.record = record
        self.reads: Final[dict[str, From]] = {
            name: From((one,)) if isinstance(one, str) else one for name, one in attributes.items()
        }
        read = {column for one in self.reads.values() for column in one.columns}
        if unknown := sorted(column for column in read if not hasattr(record, column)):
            raise TypeError(f"{record.__name__} has no columns {unknown}.")
        self.__name__ = "of"
        self._make: Callable[[Row], Kind] = self._first

    def __set_name__(self, owner: type[Kind], name: str) -> None:
        self.kind = owner
        # Whoever compares steps with their types reads what this takes and gives.
        self.__annotations__ = {"row": self.record, "return": owner}

    def __call__(self, row: Row) -> Kind:
        """The object of a record."""
        return self._make(row)

    def columns(self, attribute: str) -> tuple[str, ...] | None:
        """What the attribute is read from, or None where that is not declared."""
        one = self.reads.get(attribute)
        return None if one is None else one.columns

    def reader(self, attribute: str) -> Callable[[Row], Any]:
        """A function from a record to the attribute."""
        one = self.reads[attribute]
        names = {"function": one.function}
        read: Callable[[Row], Any] = eval(f"lambda row: {one.source('row', 'function')}", names)  # noqa: S307
        return read

    def _first(self, row: Row) -> Kind:
        # The type is complete only now: its decorators come after its body.
        given = {one.name: self.reads[one.name] for one in fields(self.kind) if one.init}  # type: ignore[arg-type]
        names = {f"make_{name}": one.function for name, one in given.items()}
        arguments = (f"{name}={one.source('row', f'make_{name}')}" for name, one in given.items())
        text = f"lambda row: kind({', '.join(arguments)})"
        self._make = eval(text, {"kind": self.kind, **names})  # noqa: S307
        return self._make(row)


class Later:
    """The ``of`` of a type that is declared further down."""

    def __init__(self, find: Callable[[], Callable[[Any], Any]]) -> None:
        self._find = find
        self.__name__ = "of"
        self.__annotations__: dict[str, Any] = {}

    @property
    def found(self) -> Callable[[Any], Any]:
        """That function."""
        return self._find()

    def __call__(self, row: Any) -> Any:
        """The object of a record."""
        return self.found(row)


def made_by(of: object) -> Made[Any, Any] | None:
    """The declaration behind ``of``, if there is one."""
    found = of.found if isinstance(of, Later) else of
    return found if isinstance(found, Made) else None


def one_kept(made: Callable[[Any], Any], get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A resolver that makes an object of the record which ``get`` finds in the parent, if any.

    Standard execution makes it when asked; a plan takes the record as it is.
    """

    def resolve(root: Any) -> Any:
        row = get(root)
        return None if row is None else made(row)

    resolve.kept = get  # type: ignore[attr-defined]
    return resolve


def all_kept(made: Callable[[Any], Any], get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for a list of records."""

    def resolve(root: Any) -> Any:
        return [made(row) for row in get(root)]

    resolve.kept = get  # type: ignore[attr-defined]
    return resolve
