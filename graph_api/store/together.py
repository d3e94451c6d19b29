"""Several reads in one statement, for an engine on which asking costs more than what is asked.

A statement that reads a few rows costs Neo4j and us nearly the same whatever it asks. So reads that
are asked at one moment become parts of one statement, and look-ups by the ids that rows of a part
name are read along with it. Each statement stays as its file has it, inside a subquery, and the
answer is one row: of each part the list of its rows.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.store.bolt.faults import OutOfTime

Row: TypeAlias = dict[str, Any]
#: Columns, and rows of them.
Values: TypeAlias = tuple[Sequence[str], list[list[Any]]]


class Along(NamedTuple):
    """A statement that takes ``$ids``, asked for what the ``columns`` of a part's rows name."""

    columns: tuple[str, ...]
    text: str


class Part(NamedTuple):
    """A statement with its parameters, and what is read along with it."""

    text: str
    parameters: Row
    along: tuple[Along, ...] = ()


class Found(NamedTuple):
    """What a part returned, and each look-up along with it; those are missing where the part had
    to be asked by itself.
    """

    own: Values
    along: list[Values]


class Together:
    """Sends what is asked at one moment as one statement; ``read`` asks a statement alone."""

    def __init__(self, read: Callable[[str, Row], Awaitable[Values]]) -> None:
        self._read = read
        self._waiting: list[tuple[Part, asyncio.Future[Found]]] = []

    async def ask(self, part: Part) -> Found:
        """The answer of a part. Raises: what the reading raises for it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            # After all who are about to ask, those included who first hand on to tasks of theirs.
            loop.call_soon(loop.call_soon, self._send)
        answer: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((part, answer))
        return await answer

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        waiting = [(part, answer) for part, answer in waiting if not answer.done()]
        if not waiting:
            return
        sending = asyncio.ensure_future(self._answer(waiting))

        def leave(_answer: object) -> None:
            if all(answer.cancelled() for _, answer in waiting):
                sending.cancel()

        for _, answer in waiting:
            answer.add_done_callback(leave)

    async def _answer(self, waiting: list[tuple[Part, asyncio.Future[Found]]]) -> None:
        try:
            found = await self._in_one([part for part, _ in waiting])
        except (OutOfTime, UpstreamUnavailable) as error:
            for _, answer in waiting:
                _fail(answer, error)
            return
        except Exception:
            # Whose fault it is, each tells when it is asked by itself.
            await asyncio.gather(*(self._alone(part, answer) for part, answer in waiting))
            return
        for (_, answer), one in zip(waiting, found, strict=True):
            if not answer.done():
                answer.set_result(one)

    async def _in_one(self, parts: list[Part]) -> list[Found]:
        if len(parts) == 1 and not parts[0].along:
            return [Found(await self._read(parts[0].text, parts[0].parameters), [])]
        one = in_one(tuple((part.text, part.along) for part in parts))
        parameters = {
            f"{name}_{number}": value
            for number, part in enumerate(parts)
            for name, value in part.parameters.items()
        }
        _, ((*lists,),) = await self._read(one.text, parameters)
        values = iter(zip(one.columns, lists, strict=True))
        return [Found(next(values), [next(values) for _ in part.along]) for part in parts]

    async def _alone(self, part: Part, answer: asyncio.Future[Found]) -> None:
        try:
            own = await self._read(part.text, part.parameters)
        except Exception as error:
            _fail(answer, error)
            return
        if not answer.done():
            answer.set_result(Found(own, []))


class One(NamedTuple):
    """A statement that answers one row of lists, and the columns of the rows in each list."""

    text: str
    columns: list[tuple[str, ...]]


@lru_cache(maxsize=1_000)
def in_one(parts: tuple[tuple[str, tuple[Along, ...]], ...]) -> One:
    """The parts and what is read along with them as one statement; a part's parameters get its
    number. Raises: LookupError where a statement does not name its columns.
    """
    calls: list[str] = []
    names: list[str] = []
    columns: list[tuple[str, ...]] = []
    for number, (text, along) in enumerate(parts):
        own = _PARAMETER.sub(rf"$\1_{number}", _without_comments(text))
        keys = [f"keys{number}_{place}" for place in range(len(along))]
        lists = [f"collect([{', '.join(returned(own))}]) AS part{number}"]
        lists += [
            " + ".join(f"collect(DISTINCT {column})" for column in one.columns) + f" AS {key}"
            for key, one in zip(keys, along, strict=True)
        ]
        calls.append(f"CALL () {{\nCALL () {{\n{own}\n}}\nRETURN {', '.join(lists)}\n}}")
        names.append(f"part{number}")
        columns.append(returned(own))
        for place, (key, one) in enumerate(zip(keys, along, strict=True)):
            look_up = _without_comments(one.text).replace("$ids", key)
            rows = f"collect([{', '.join(returned(look_up))}]) AS along{number}_{place}"
            calls.append(f"CALL ({key}) {{\nCALL ({key}) {{\n{look_up}\n}}\nRETURN {rows}\n}}")
            names.append(f"along{number}_{place}")
            columns.append(returned(look_up))
    return One("\n".join([*calls, f"RETURN {', '.join(names)}"]), columns)


@lru_cache(maxsize=1_000)
def returned(text: str) -> tuple[str, ...]:
    """The columns of a statement. Raises: LookupError where one has no name."""
    items = _items(text[_last_return(text) :])
    found = [_NAME.search(item) for item in items]
    names = [match[1] for match in found if match is not None]
    if len(names) < len(items):
        raise LookupError("A column of the statement has no name.")
    return tuple(names)


def _last_return(text: str) -> int:
    """Where the columns of the last RETURN begin that is in no subquery."""
    ends = [match.end() for match in _RETURN.finditer(text) if _depth(text[: match.start()]) == 0]
    if not ends:
        raise LookupError("The statement returns nothing.")
    return ends[-1]


def _items(listed: str) -> list[str]:
    """What is between the commas that stand in no brackets."""
    listed = _TAIL.split(listed, maxsplit=1)[0]
    items = [""]
    for piece in re.split(r"(,)", listed):
        if piece == "," and _depth(items[-1]) == 0:
            items.append("")
        else:
            items[-1] += piece
    return [item.strip() for item in items]


def _depth(text: str) -> int:
    return sum(text.count(one) for one in "([{") - sum(text.count(one) for one in ")]}")


def _without_comments(text: str) -> str:
    return _COMMENT.sub("", text).strip()


def _fail(answer: asyncio.Future[Found], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


_COMMENT: Final = re.compile(r"^\s*//.*\n?", re.MULTILINE)
_PARAMETER: Final = re.compile(r"\$(\w+)")
_RETURN: Final = re.compile(r"\bRETURN\s+(?:DISTINCT\s+)?")
_TAIL: Final = re.compile(r"\b(?:ORDER\s+BY|SKIP|LIMIT)\b")
_NAME: Final = re.compile(r"(?:^|\bAS\s+)(\w+)$")
