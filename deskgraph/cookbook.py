"""The cookbook: questions to the graph that ship as files, with typed parameters.

A file of ``cypher/cookbook`` is one statement below comments that say what it answers: the
question, a remark, a line for each parameter, keys that the command derives, and an example::

    // Who funded this wallet first?
    // $wallet  account  the wallet in question
    // $limit   integer  rows; default 20
    // $first $last  keys of $token between $from_block and $to_block
    // Example: wallet=ethereum:0x…
"""

import difflib
import re
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

import cypher
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import parse_account, parse_token, parse_transaction
from graph_api.domain.positions import block_bounds

Value = str | int | None

FOLDER: Final = cypher.ROOT / "cookbook"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """What a question has to be told. Without a ``default`` it must be given."""

    name: str
    kind: str
    about: str
    default: str | None

    def value(self, text: str) -> Value:
        """``text`` as the statement wants it. Raises: BadInput."""
        if text == "null" and self.default == "null":
            return None
        try:
            return _KINDS[self.kind](text)
        except BadInput as error:
            raise BadInput(f"{self.name}: {error}") from None


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Two bounds of an index range that follow from other parameters."""

    first: str
    last: str
    owner: str
    lowest: str | None
    highest: str | None

    def values(self, known: Mapping[str, Value]) -> dict[str, Value]:
        """Both bounds, once the parameters that they follow from are ``known``."""
        first, last = block_bounds(
            str(known[self.owner]),
            lowest=_block(known, self.lowest),
            highest=_block(known, self.highest),
        )
        return {self.first: first, self.last: last}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the cookbook."""

    name: str
    question: str
    remark: str
    parameters: tuple[Parameter, ...]
    keys: tuple[Keys, ...]
    example: tuple[str, ...]
    text: str

    @property
    def usage(self) -> str:
        """Its parameters; those with a default in brackets."""
        return " ".join(
            parameter.name if parameter.default is None else f"[{parameter.name}]"
            for parameter in self.parameters
        )

    def fill(self, given: Mapping[str, str]) -> dict[str, Value]:
        """Every parameter of the statement.

        Raises: BadInput when one is missing, unknown or not what its kind allows.
        """
        if unknown := sorted(given.keys() - {parameter.name for parameter in self.parameters}):
            names = ", ".join(parameter.name for parameter in self.parameters)
            raise BadInput(f"@{self.name} has no parameter {unknown[0]!r}; it has {names}.")
        known = {
            parameter.name: parameter.value(self._text(parameter, given))
            for parameter in self.parameters
        }
        for keys in self.keys:
            known |= keys.values(known)
        return known

    def _text(self, parameter: Parameter, given: Mapping[str, str]) -> str:
        text = given.get(parameter.name, parameter.default)
        if text is None:
            raise BadInput(
                f"@{self.name} needs {parameter.name} ({parameter.about}): "
                f"-p {parameter.name}={parameter.kind.upper()}."
            )
        return text


def questions() -> list[Question]:
    """All questions that ship, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.cypher"))]


def question(name: str) -> Question:
    """The question called ``name``. Raises: BadInput when there is none."""
    known = {path.stem: path for path in FOLDER.glob("*.cypher")}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean @{near[0]}?" if near else "`deskgraph cypher --list` lists them."
        raise BadInput(f"The cookbook has no question {name[:60]!r}; {hint}")
    return _read(known[name])


_PARAMETER: Final = re.compile(r"\$(\w+) +(\w+) +(.+?)(?:; default (.+))?")
_KEYS: Final = re.compile(r"\$(\w+) \$(\w+) +keys of \$(\w+)(?: between \$(\w+) and \$(\w+))?")


def _read(path: Path) -> Question:
    text = path.read_text(encoding="utf-8")
    comments = [line[3:] for line in text.splitlines() if line.startswith("// ")]
    words = [line for line in comments if not line.startswith(("$", "Example:"))]
    parameters = [match for line in comments if (match := _PARAMETER.fullmatch(line))]
    keys = [match for line in comments if (match := _KEYS.fullmatch(line))]
    (example,) = [line for line in comments if line.startswith("Example:")]
    return Question(
        name=path.stem,
        question=words[0],
        remark=" ".join(words[1:]),
        parameters=tuple(
            Parameter(name=name, kind=kind, about=about, default=default)
            for name, kind, about, default in (match.groups() for match in parameters)
        ),
        keys=tuple(
            Keys(first=first, last=last, owner=owner, lowest=lowest, highest=highest)
            for first, last, owner, lowest, highest in (match.groups() for match in keys)
        ),
        example=tuple(shlex.split(example.removeprefix("Example:"))),
        text=text,
    )


def _block(known: Mapping[str, Value], name: str | None) -> int | None:
    number = known[name] if name is not None else None
    return None if number is None else int(number)


def _integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise BadInput(f"{text[:60]!r} is no whole number.") from None
    if not 0 <= number < 2**53:
        raise BadInput(f"{text[:60]} is too large, or below zero.")
    return number


def _moment(text: str) -> int:
    """Epoch milliseconds of an ISO date or time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:60]!r} is no date; write 2026-02-01.") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)


_KINDS: Final[Mapping[str, Callable[[str], Value]]] = {
    "account": parse_account,
    "chain": lambda text: chain_of(text).id,
    "integer": _integer,
    "moment": _moment,
    "text": str,
    "token": parse_token,
    "transaction": parse_transaction,
}
