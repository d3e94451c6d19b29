"""The graph door: named statements in, records out, on either engine over Bolt."""

import asyncio
import copy
import re
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import (
    Any,
    Final,
    Self,
    TypeVar,
)

import neo4j
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConstraintError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from cypher import narrowed, statement
from graph_api.domain.errors import BadInput, UpstreamUnavailable
from graph_api.store.address import GraphAddress, ReaderName
from graph_api.store.bolt.faults import NotOurs, OutOfTime
from graph_api.store.bolt.reader import PATIENCE_S, Reader, reads
from graph_api.store.ending import Ender
from graph_api.store.records import (
    Columns,
    ReadAlong,
    Record,
    left_out_of,
    milliseconds,
    named_by,
    records,
)
from graph_api.store.together import Along, Part, Together

Answer = TypeVar("Answer")
Row = dict[str, Any]

_PASSING: Final = (ServiceUnavailable, SessionExpired, TransientError)
_TRIES: Final = 4
_REASONS: Final = {
    "NotOurs": "statement",
    "Structured": "structure",
    "Unspoken": "protocol",
    "Surprise": "surprise",
}
_OUT_OF_TIME: Final = ("TransactionTimedOut", "timed out", "timeout", "Timeout")


class Engine(StrEnum):
    """Which engine stands behind the door; decides which words a few statements use."""

    ARCADEDB = "arcadedb"
    NEO4J = "neo4j"


#: How many statements the current operation has sent; tests and metrics read it.
statements_sent: ContextVar[list[str] | None] = ContextVar("statements_sent", default=None)


class Graph:
    """One graph. Safe to share between tasks; close it at the end."""

    def __init__(
        self,
        driver: neo4j.AsyncDriver,
        address: GraphAddress,
        engine: Engine,
        version: str,
        query_timeout_s: float,
        reader: Reader | None = None,
        ender: Ender | None = None,
    ) -> None:
        self._driver, self._timeout_s, self._ender = driver, query_timeout_s, ender
        self.address, self.engine, self.version = address, engine, version
        #: Asks reads without the driver; None where the driver asks everything.
        self.reader = reader
        self._reads_by_driver = Counter[str]()
        self._together: Together | None = None
        self._along: Sequence[ReadAlong] = ()

    @classmethod
    async def open(
        cls,
        address: GraphAddress,
        *,
        pool_size: int = 50,
        query_timeout_s: float = 30.0,
        reader: ReaderName = "lean",
    ) -> Self:
        """Connect and find out which engine answers.

        With ``reader="lean"`` reads take the short way wherever it is known to be right; what it
        does not know, and every write, goes through the official driver.

        Raises: UpstreamUnavailable when nothing answers; BadInput when the login is refused.
        """
        driver = neo4j.AsyncGraphDatabase.driver(
            address.url,
            auth=(address.user, address.password),
            max_connection_pool_size=pool_size,
            connection_timeout=10.0,
            keep_alive=True,
            notifications_min_severity="OFF",
        )
        try:
            info = await driver.get_server_info()
        except AuthError as error:
            await driver.close()
            raise BadInput(
                f"The graph at {address.url} refuses the login {address.user!r}; check user and "
                "password."
            ) from error
        except (DriverError, Neo4jError, OSError) as error:
            await driver.close()
            raise UpstreamUnavailable(f"The graph at {address.url}", retry_after_s=5) from error
        agent = info.agent or ""
        # ArcadeDB calls itself Neo4j for the sake of drivers, with its own name behind.
        engine = Engine.ARCADEDB if "arcade" in agent.lower() else Engine.NEO4J
        ender = Ender(driver, database=address.database) if engine is Engine.ARCADEDB else None
        lean = None
        if reader == "lean" and reads(address.url):
            lean = Reader(
                address.url,
                address.user,
                password=address.password,
                database=address.database,
                pool_size=pool_size,
                query_timeout_s=query_timeout_s,
                on_stuck=ender.end if ender else _unheard,
            )
        return cls(driver, address, engine, agent, query_timeout_s, lean, ender)

    async def close(self) -> None:
        """Give all connections back."""
        if self.reader is not None:
            await self.reader.close()
        if self._ender is not None:
            await self._ender.close()
        await self._driver.close()

    def reads(self) -> dict[tuple[str, str], int]:
        """How many reads were asked so far, by whom, and why when that was the driver."""
        if self.reader is None:
            return {("driver", "setting"): self._reads_by_driver.total()}
        tally = self.reader.tally
        by_driver = {
            ("driver", reason): tally[f"driver: {name}"] for name, reason in _REASONS.items()
        }
        return {("lean", "none"): tally["asked"] - sum(by_driver.values())} | by_driver

    def reads_repeated(self) -> int:
        """How many reads lost their connection and were asked again."""
        return self.reader.tally["asked again"] if self.reader else 0

    async def read(
        self,
        name: str,
        record: type[Record],
        /,
        *,
        columns: Columns = None,
        **parameters: Any,
    ) -> list[Record]:
        """The rows of the statement ``name`` as records: its aliases are the record's fields.

        With ``columns``, those that are not among them are not read and are None; what the store
        needs itself, the record names as its ``own``.
        """
        left_out = left_out_of(record, columns)
        text = narrowed(statement(name, self.engine), left_out)
        return await self._read(text, parameters, record, left_out)

    async def read_one(
        self, name: str, record: type[Record], /, **parameters: Any
    ) -> Record | None:
        """The first row, or None."""
        rows = await self.read(name, record, **parameters)
        return rows[0] if rows else None

    async def read_each(
        self,
        name: str,
        record: type[Record],
        /,
        branches: Sequence[Row],
        *,
        columns: Columns = None,
        **parameters: Any,
    ) -> list[Record]:
        """The statement ``name`` once for each of ``branches``, sent as one statement.

        The embedded engine uses a range index only where the bounds are plain parameters, never
        inside UNWIND: there a file holds one branch, and the branches are joined by UNION ALL.
        Elsewhere the file takes all of them as ``$branches``.
        """
        if not branches:
            return []
        left_out = left_out_of(record, columns)
        text = narrowed(statement(name, self.engine), left_out)
        if self.engine is Engine.ARCADEDB:
            parameters |= {
                f"{key}_{number}": value
                for number, branch in enumerate(branches)
                for key, value in branch.items()
            }
            text = _union(text, tuple(branches[0]), len(branches))
        else:
            parameters["branches"] = list(branches)
        return await self._read(text, parameters, record, left_out)

    async def _read(
        self, text: str, parameters: Row, record: type[Record], left_out: frozenset[str]
    ) -> list[Record]:
        parameters = _for_bolt(parameters)
        if self._together is None:
            keys, rows = await self.read_values(text, parameters)
            return records(record, keys, rows, left_out)
        has = frozenset(record.__struct_fields__) - left_out
        along = [one for one in self._along if has.issuperset(one.columns)]
        look_ups = tuple(Along(one.columns, self._text_of(one)) for one in along)
        found = await self._together.ask(Part(text, parameters, look_ups))
        keys, rows = found.own
        for one, (columns, looked_up) in zip(along, found.along):  # noqa: B905 - or nothing
            named = named_by(one.columns, keys, rows)
            others = left_out_of(one.look_up.record, one.wanted)
            there = {row.id: row for row in records(one.look_up.record, columns, looked_up, others)}
            one.take({id: there.get(id) for id in named})
        return records(record, keys, rows, left_out)

    def _text_of(self, one: ReadAlong) -> str:
        text = statement(one.look_up.statement, self.engine)
        return narrowed(text, left_out_of(one.look_up.record, one.wanted))

    def together(self, moment: Together, along: Sequence[ReadAlong] = ()) -> Self:
        """The same graph for one question: what is asked of it goes with what else is asked at
        that ``moment``, and what its rows name is read ``along`` with them.
        """
        view = copy.copy(self)
        view._together, view._along = moment, along
        return view

    async def read_values(
        self, text: str, parameters: Row
    ) -> tuple[Sequence[str], list[list[Any]]]:
        """Columns and rows of any reading statement; a passing fault is tried again."""
        sent = statements_sent.get()
        if sent is not None:
            sent.append(text)

        async def once() -> tuple[Sequence[str], list[list[Any]]]:
            if self.reader is not None:
                try:
                    return await self.reader.read(text, parameters)
                except NotOurs:
                    pass
            else:
                self._reads_by_driver["asked"] += 1
            return await self._read_by_driver(text, parameters)

        return await _with_retries(once)

    async def _read_by_driver(
        self, text: str, parameters: Row
    ) -> tuple[Sequence[str], list[list[Any]]]:
        """The cheapest way through the driver: no transaction of its own, all rows at once."""
        try:
            async with (
                asyncio.timeout(self._timeout_s + PATIENCE_S),
                self._driver.session(
                    database=self.address.database,
                    default_access_mode=neo4j.READ_ACCESS,
                    fetch_size=-1,
                ) as session,
            ):
                result = await session.run(neo4j.Query(text, timeout=self._timeout_s), parameters)
                return result.keys(), [list(row) for row in await result.fetch(sys.maxsize)]
        except TimeoutError:
            raise OutOfTime from None

    async def change_values(
        self, text: str, parameters: Row
    ) -> tuple[Sequence[str], list[list[Any]]]:
        """Columns and rows of any statement, in a transaction of its own that may write."""

        async def once() -> tuple[Sequence[str], list[list[Any]]]:
            async with self._driver.session(database=self.address.database) as session:
                result = await session.run(text, _for_bolt(parameters))
                return result.keys(), [list(row) async for row in result]

        return await _with_retries(once)

    async def write(self, work: Callable[["Writing"], Awaitable[Answer]], /) -> Answer:
        """Run ``work`` in one transaction, again from its start when a fault is passing."""

        async def once() -> Answer:
            async with (
                self._driver.session(database=self.address.database) as session,
                await session.begin_transaction(timeout=self._timeout_s) as transaction,
            ):
                answer = await work(Writing(self, transaction))
                await transaction.commit()
                return answer

        return await _with_retries(once)

    async def run_alone(self, text: str, **parameters: Any) -> list[Row]:
        """One statement in a transaction of its own; schema changes need that."""
        async with self._driver.session(database=self.address.database) as session:
            try:
                result = await session.run(text, _for_bolt(parameters))
                return [row.data() async for row in result]
            except (DriverError, Neo4jError) as error:
                raise _named(error) from error


class Writing:
    """A transaction that is under way."""

    def __init__(self, graph: Graph, transaction: neo4j.AsyncTransaction) -> None:
        self.engine, self._transaction = graph.engine, transaction

    async def run(self, name: str, /, **parameters: Any) -> list[Row]:
        """The rows of the statement ``name``, as plain maps."""
        return await self.run_text(statement(name, self.engine), **parameters)

    async def run_text(self, text: str, /, **parameters: Any) -> list[Row]:
        """The rows of a statement that is no file of ours, as plain maps."""
        sent = {
            key: _Unlogged(value) if isinstance(value, list) else value
            for key, value in _for_bolt(parameters).items()
        }
        result = await self._transaction.run(text, sent)
        keys = result.keys()
        return [dict(zip(keys, row, strict=True)) async for row in result]


def _unheard(_client: str) -> None:
    """This engine hears by itself that a question is over."""


async def _with_retries(once: Callable[[], Awaitable[Answer]]) -> Answer:
    for attempt in range(_TRIES):
        try:
            return await once()
        except (DriverError, Neo4jError) as error:
            if attempt == _TRIES - 1 or not _passes(error):
                raise _named(error) from error
            await asyncio.sleep(0.05 * 4**attempt)
    raise AssertionError("unreachable")


def _passes(error: Exception) -> bool:
    # The embedded engine reports two writers of one key as a constraint error, and concurrent
    # changes of one record as a client error; both succeed when tried again.
    return (
        isinstance(error, (*_PASSING, ConstraintError))
        or "ConcurrentModification" in str(error)
        or "Please retry" in str(error)
    )


def _named(error: DriverError | Neo4jError) -> Exception:
    if isinstance(error, (ServiceUnavailable, SessionExpired, AuthError)):
        return UpstreamUnavailable("The graph", retry_after_s=5)
    if any(word in str(error) for word in _OUT_OF_TIME):
        return OutOfTime()
    if isinstance(error, ClientError) and "SyntaxError" in (error.code or ""):
        return BadInput(f"The graph cannot read the statement: {error.message}")
    return error


def _for_bolt(parameters: Row) -> Row:
    return {
        key: milliseconds(value) if isinstance(value, datetime) else value
        for key, value in parameters.items()
    }


class _Unlogged(list[Any]):
    """Rows to be sent: the driver spells every parameter out for its log, read or not."""

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


@lru_cache(maxsize=1_000)
def _union(branch: str, names: tuple[str, ...], count: int) -> str:
    parameter = re.compile(r"\$(" + "|".join(map(re.escape, names)) + r")\b")
    return "\nUNION ALL\n".join(parameter.sub(rf"$\1_{number}", branch) for number in range(count))
