"""Migrations of the graph: numbered, recorded in the graph itself, safe to run again.

A migration is a file ``cypher/migrations/NNNN_name.cypher`` of statements that end in ``;``.
Expand and contract steps (constraints, indexes) carry ``IF [NOT] EXISTS``. A backfill names
itself in its first line, ``// backfill``: it holds one statement that changes up to ``$limit``
things after ``$after`` and returns ``last`` and ``changed``; its place is kept in the same
transaction, so that it goes on where it was interrupted.
"""

import asyncio
import re
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

import cypher
from graph_api.domain.errors import BadInput, SchemaUnknown
from graph_api.store.graph import Graph, Writing
from graph_api.store.unbroken import unbroken

FOLDER: Final = cypher.ROOT / "migrations"
_NAME: Final = re.compile(r"(\d{4})_(\w+)\.cypher")
_BACKFILL_LIMIT: Final = 5_000


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered step."""

    number: int
    name: str
    statements: tuple[str, ...]
    backfill: bool
    checksum: str


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What the graph remembers of a migration. ``done`` is false while a backfill is under way."""

    number: int
    name: str
    checksum: str
    done: bool
    last: str | None
    applied_at: datetime | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Where the graph stands."""

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]

    @property
    def current(self) -> bool:
        """Whether nothing is left to do."""
        return not self.pending


def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """All migrations of ``folder`` in their order."""
    found = []
    for path in sorted(folder.glob("*.cypher")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path.name} is no name of a migration; write 0001_name.cypher.")
        text = path.read_text(encoding="utf-8")
        code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
        found.append(
            Migration(
                number=int(match[1]),
                name=match[2],
                statements=tuple(part.strip() for part in code.split(";") if part.strip()),
                backfill=text.startswith("// backfill"),
                checksum=blake2b(code.encode(), digest_size=8).hexdigest(),
            )
        )
    return tuple(found)


async def status(graph: Graph, *, known: tuple[Migration, ...] | None = None) -> Status:
    """What is applied and what is pending.

    Raises: SchemaUnknown when the graph has a migration that this program does not know, or one
    whose text was another.
    """
    known = migrations() if known is None else known
    applied = tuple(await graph.read("graph/migrations", Applied))
    by_number = {migration.number: migration for migration in known}
    for row in applied:
        mine = by_number.get(row.number)
        if mine is None:
            raise SchemaUnknown(
                f"The graph has migration {row.number:04d} ({row.name}), which this version does "
                "not know; install the newer deskgraph that wrote it."
            )
        if mine.checksum != row.checksum:
            raise SchemaUnknown(
                f"Migration {row.number:04d} ({row.name}) was another when it was applied; use "
                "the version of deskgraph that applied it, or load into an empty graph."
            )
    done = {row.number for row in applied if row.done}
    return Status(
        applied=applied,
        pending=tuple(migration for migration in known if migration.number not in done),
    )


async def migrate(
    graph: Graph, *, now: datetime, known: tuple[Migration, ...] | None = None
) -> tuple[Migration, ...]:
    """Apply what is pending, in order; returns what was applied. Safe to interrupt and repeat."""
    state = await status(graph, known=known)
    for migration in state.pending:
        if migration.backfill:
            await _backfill(graph, migration, now=now)
        else:
            for text in migration.statements:
                await asyncio.sleep(0)  # here, between two statements, an interrupt is felt
                await unbroken(_alone(graph, text))
            await unbroken(_record(graph, migration, last=None, done=True, now=now))
    return state.pending


async def require_current(graph: Graph) -> None:
    """Raises: SchemaUnknown when the graph is not at exactly the schema that this program knows."""
    state = await status(graph)
    if not state.current:
        raise SchemaUnknown(
            f"The graph lacks {len(state.pending)} migrations; run `deskgraph graph migrate`."
        )


async def _alone(graph: Graph, text: str) -> None:
    # Two processes that change a schema at once disturb each other on the embedded engine, and
    # what one has made is there for the other when it comes again.
    for pause_s in (0.1, 0.5, 2.0):
        try:
            await graph.run_alone(text)
            return
        except BadInput:
            raise
        except Exception:
            await asyncio.sleep(pause_s)
    await graph.run_alone(text)


async def _backfill(graph: Graph, migration: Migration, *, now: datetime) -> None:
    (text,) = migration.statements
    done = False
    while not done:

        async def step(writing: Writing) -> bool:
            # The place is read in the transaction that moves it on, behind a lock: a step is never
            # done twice, whoever else is at it.
            rows = await writing.run("graph/lock_migration", number=migration.number)
            if rows[0]["done"]:
                return True
            after = rows[0]["last"]
            found = await writing.run_text(text, after=after or "", limit=_BACKFILL_LIMIT)
            changed = found[0]["changed"] if found else 0
            place = found[0]["last"] if changed else after
            await _record(writing, migration, last=place, done=changed == 0, now=now)
            return bool(changed == 0)

        await asyncio.sleep(0)
        done = await unbroken(graph.write(step))


async def _record(
    to: Graph | Writing, migration: Migration, *, last: str | None, done: bool, now: datetime
) -> None:
    async def work(writing: Writing) -> None:
        await writing.run(
            "graph/record_migration",
            number=migration.number,
            name=migration.name,
            checksum=migration.checksum,
            last=last,
            done=done,
            now=now,
        )

    await (to.write(work) if isinstance(to, Graph) else work(to))
