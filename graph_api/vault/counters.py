"""Numbers that a workspace gives without a gap, and by which it is seen that something changed."""

from sqlalchemy import ColumnElement, Insert, and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.principals import Principal
from graph_api.vault.tables import add, counters
from graph_api.vault.vault import Door


async def count_up(
    connection: AsyncConnection, principal: Principal, counter: str, *, by: int = 1
) -> int:
    """Take the next ``by`` numbers; answers the last of them.

    They are given when the transaction commits: who asks meanwhile waits, and a transaction that
    breaks off leaves no gap.
    """
    return await next_number(
        connection, principal.workspace, counter, principal=principal.id, by=by
    )


async def next_number(
    connection: AsyncConnection, workspace: str, counter: str, *, principal: str, by: int = 1
) -> int:
    """As ``count_up``, for somebody who is known by id alone."""
    row = {"workspace": workspace, "counter": counter, "principal": principal}
    # Each dialect has its own ``insert`` for one and the same statement.
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    first: Insert = (
        insert(counters)
        .values(**row, last=by)
        .on_conflict_do_update(
            index_elements=["workspace", "counter"], set_={"last": counters.c.last + by}
        )
        .returning(counters.c.last)
    )
    return int((await connection.execute(first)).scalar_one())


async def hold(
    connection: AsyncConnection, principal: Principal, counter: str, *, epoch: str | None = None
) -> int:
    """Where a counter stands; nobody else counts until the transaction ends.

    One that is not there begins, at 0 and with ``epoch``.
    """
    here = is_counter(principal.workspace, counter)
    question = select(counters.c.last).where(here).with_for_update()
    last = await connection.scalar(question)
    if last is None:
        row = {
            "workspace": principal.workspace,
            "counter": counter,
            "principal": principal.id,
            "last": 0,
            "epoch": epoch,
        }
        await add(connection, counters, row)
        last = await connection.scalar(question)
    return int(last or 0)


async def move(connection: AsyncConnection, principal: Principal, counter: str, *, to: int) -> None:
    """Let a counter that is held stand elsewhere."""
    here = is_counter(principal.workspace, counter)
    await connection.execute(update(counters).where(here).values(last=to))


async def last(vault: Door, principal: Principal, counter: str) -> int:
    """The last number that was given; 0 before the first."""
    question = select(func.coalesce(func.max(counters.c.last), 0)).where(
        is_counter(principal.workspace, counter)
    )
    async with vault.reading() as connection:
        return int((await connection.execute(question)).scalar_one())


def is_counter(workspace: str, counter: str) -> ColumnElement[bool]:
    """That a row is this counter's."""
    return and_(counters.c.workspace == workspace, counters.c.counter == counter)
