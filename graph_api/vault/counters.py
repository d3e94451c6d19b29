"""Numbers that a workspace gives without a gap, and by which it is seen that something changed."""

from sqlalchemy import Insert, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.principals import Principal
from graph_api.vault.tables import counters
from graph_api.vault.vault import Door


async def count_up(
    connection: AsyncConnection, principal: Principal, counter: str, *, by: int = 1
) -> int:
    """Take the next ``by`` numbers; answers the last of them.

    They are given when the transaction commits: who asks meanwhile waits, and a transaction that
    breaks off leaves no gap.
    """
    row = {"workspace": principal.workspace, "counter": counter, "principal": principal.id}
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


async def last(vault: Door, principal: Principal, counter: str) -> int:
    """The last number that was given; 0 before the first."""
    question = select(func.coalesce(func.max(counters.c.last), 0)).where(
        counters.c.workspace == principal.workspace, counters.c.counter == counter
    )
    async with vault.reading() as connection:
        return int((await connection.execute(question)).scalar_one())
