"""Keys of changes: what was asked under a key is done once, and its answer kept for a day."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import and_, delete, select, update

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import Principal
from graph_api.vault.columns import as_kept
from graph_api.vault.tables import add, idempotency
from graph_api.vault.vault import Door

#: For so long a key stands for what was asked under it.
KEPT_FOR: Final = timedelta(hours=24)
MAX_KEY: Final = 200


class Answer(msgspec.Struct, frozen=True):
    """What came of a change, as plain JSON."""

    value: Any


async def begin(
    vault: Door,
    principal: Principal,
    key: str,
    *,
    mutation: str,
    fingerprint: str,
    now: datetime,
) -> Answer | None:
    """Take ``key`` for a change, in the transaction that makes it; its answer if it was made.

    Who comes with the same key meanwhile waits for that transaction's end. Keys that are older
    than ``KEPT_FOR`` are forgotten. Raises: BadInput when the key stands for another change.
    """
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise BadInput(f"An idempotency key has 1 to {MAX_KEY} printable characters.")
    row = {
        "workspace": principal.workspace,
        "principal": principal.id,
        "key": key,
        "mutation": mutation,
        "fingerprint": fingerprint,
        "at": now,
    }
    mine = and_(
        idempotency.c.workspace == principal.workspace, idempotency.c.principal == principal.id
    )
    async with vault.writing() as connection:
        await connection.execute(
            delete(idempotency).where(mine, idempotency.c.at <= now - KEPT_FOR)
        )
        if await add(connection, idempotency, row):
            return None
        found = (
            await connection.execute(select(idempotency).where(mine, idempotency.c.key == key))
        ).one()
    if (found.mutation, found.fingerprint) != (mutation, fingerprint):
        raise BadInput(
            f"The idempotency key {key[:60]!r} stands for another change; take a new key for each."
        )
    return Answer(found.answer)


async def keep(vault: Door, principal: Principal, key: str, *, answer: Any) -> None:
    """Put what came of the change beside its key; JSON."""
    mine = and_(
        idempotency.c.workspace == principal.workspace,
        idempotency.c.principal == principal.id,
        idempotency.c.key == key,
    )
    async with vault.writing() as connection:
        await connection.execute(update(idempotency).where(mine).values(answer=as_kept(answer)))
