"""The inbox of webhooks: bodies as they came, worked off in order, hook by hook.

A body is on record before its sender hears that it was accepted. One worker at a time holds a hook,
for the length of a lease; every claim carries a higher ``fence``, so that the word of whoever comes
back late is not taken. What cannot be read is a dead letter: kept with its reason until somebody
replays or drops it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.errors import BadInput, GraphApiError, NotFound
from graph_api.domain.principals import Principal
from graph_api.domain.webhooks import Call, Sender
from graph_api.vault.pages import NEWEST, Page, Window, page
from graph_api.vault.tables import add, gone_blocks, hooks, inbox
from graph_api.vault.vault import Door

#: How many workers may fall over one body before it is a dead letter.
MAX_ATTEMPTS: Final = 5
MAX_REASON: Final = 2_000


class DeliveryState(StrEnum):
    """What became of a body."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    DROPPED = "dropped"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was accepted; ``number`` is its place in the order of its hook.

    ``attempts`` counts the workers that began it. ``reason`` says why it is a dead letter.
    """

    id: str
    workspace: str
    principal: str
    sender: Sender
    hook: str
    number: int
    identity: str
    size: int
    state: DeliveryState
    reason: str | None
    attempts: int
    said_at: datetime | None
    received_at: datetime
    finished_at: datetime | None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """The right to work off the bodies of one hook."""

    workspace: str
    sender: Sender
    hook: str
    worker: str
    fence: int


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A body in a worker's hands."""

    delivery: Delivery
    body: bytes


class HookState(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a hook waits or is dead; ``oldest_at`` is when the oldest waiting body came."""

    sender: Sender
    hook: str
    waiting: int
    dead: int
    oldest_at: datetime | None


class HoldLost(GraphApiError):
    """The hook passed to another worker since this one claimed it."""

    def __init__(self, hold: Hold) -> None:
        super().__init__(f"Worker {hold.worker} no longer holds {hold.sender} {hold.hook}.")


async def accept(
    vault: Door,
    principal: Principal,
    body: bytes,
    *,
    id: str,
    sender: Sender,
    hook: str,
    call: Call,
    now: datetime,
) -> bool:
    """Put a body on record, behind all others of its hook; whether it was not there before."""
    where = {"workspace": principal.workspace, "sender": sender.value, "hook": hook}
    async with vault.writing() as connection:
        if await _has(connection, where, call.identity):
            return False
        await add(connection, hooks, {**where, "principal": principal.id, "last": 0, "fence": 0})
        values = {
            **where,
            "id": id,
            "principal": principal.id,
            # This also makes others wait that accept for the same hook: order is order of commits.
            "number": await _next_number(connection, where),
            "identity": call.identity,
            "body": body,
            "size": len(body),
            "state": DeliveryState.WAITING.value,
            "attempts": 0,
            "said_at": call.said_at,
            "received_at": now,
        }
        return await add(connection, inbox, values)


# Working it off


async def claim(
    vault: Door, principal: Principal, *, worker: str, now: datetime, lease: timedelta
) -> Hold | None:
    """The hook whose oldest body waits longest, now held by ``worker`` alone; None if none waits.

    What a worker left behind waits until its lease is over.
    """
    waits = and_(
        hooks.c.workspace == inbox.c.workspace,
        hooks.c.sender == inbox.c.sender,
        hooks.c.hook == inbox.c.hook,
        inbox.c.state == DeliveryState.WAITING,
    )
    # PostgreSQL passes over what another worker is claiming; SQLite has one writer at a time.
    question = (
        select(hooks)
        .join(inbox, waits)
        .where(
            inbox.c.workspace == principal.workspace,
            or_(hooks.c.lease_until.is_(None), hooks.c.lease_until <= now),
        )
        .order_by(inbox.c.received_at, inbox.c.id)
        .limit(1)
        .with_for_update(of=hooks, skip_locked=True)
    )
    async with vault.writing() as connection:
        row = (await connection.execute(question)).one_or_none()
        if row is None:
            return None
        hold = Hold(
            workspace=row.workspace,
            sender=Sender(row.sender),
            hook=row.hook,
            worker=worker,
            fence=row.fence + 1,
        )
        await _set_hook(connection, hold, fence=hold.fence, worker=worker, lease_until=now + lease)
    return hold


async def renew(vault: Door, hold: Hold, *, now: datetime, lease: timedelta) -> None:
    """Keep a hook; raises HoldLost when another worker has it."""
    async with vault.writing() as connection:
        await _require(connection, hold)
        await _set_hook(connection, hold, lease_until=now + lease)


async def release(vault: Door, hold: Hold) -> None:
    """Let others have the hook; it does not matter whether it is still held."""
    mine = and_(_is_hook(hold), hooks.c.fence == hold.fence)
    async with vault.writing() as connection:
        await connection.execute(update(hooks).where(mine).values(worker=None, lease_until=None))


async def take(vault: Door, hold: Hold, *, now: datetime, lease: timedelta) -> Opened | None:
    """The first waiting body of a held hook, None at its end; raises HoldLost.

    A body over which ``MAX_ATTEMPTS`` workers fell becomes a dead letter instead.
    """
    async with vault.writing() as connection:
        await _require(connection, hold)
        await _set_hook(connection, hold, lease_until=now + lease)
        while (row := await _first(connection, hold)) is not None:
            delivery = _delivery(row)
            if delivery.attempts < MAX_ATTEMPTS:
                attempts = delivery.attempts + 1
                await _set(connection, delivery, attempts=attempts)
                return Opened(delivery=replace(delivery, attempts=attempts), body=row.body)
            reason = f"{delivery.attempts} workers began this body and none came to its end."
            await _set(
                connection, delivery, state=DeliveryState.DEAD, reason=reason, finished_at=now
            )
    return None


async def finish(vault: Door, hold: Hold, delivery: Delivery, *, now: datetime) -> None:
    """A body's facts are written; raises HoldLost."""
    await _end(vault, hold, delivery, state=DeliveryState.DONE, reason=None, finished_at=now)


async def bury(vault: Door, hold: Hold, delivery: Delivery, *, reason: str, now: datetime) -> None:
    """A body, or a part of it, cannot be read: make it a dead letter; raises HoldLost."""
    reason = reason.replace("\0", " ")[:MAX_REASON]
    await _end(vault, hold, delivery, state=DeliveryState.DEAD, reason=reason, finished_at=now)


async def put_back(vault: Door, hold: Hold, delivery: Delivery) -> None:
    """Nobody is to blame that a body was not worked off now; raises HoldLost."""
    await _end(vault, hold, delivery, attempts=delivery.attempts - 1)


# Looking and mending


async def history(
    vault: Door,
    principal: Principal,
    window: Window = NEWEST,
    *,
    states: Sequence[DeliveryState] = (DeliveryState.DEAD,),
    sender: Sender | None = None,
    hook: str | None = None,
) -> Page[Delivery]:
    """Bodies in some states, dead letters unless told otherwise, the newest first."""
    question = _listed(principal).where(inbox.c.state.in_(states))
    if sender is not None:
        question = question.where(inbox.c.sender == sender)
    if hook is not None:
        question = question.where(inbox.c.hook == hook)
    async with vault.reading() as connection:
        order = inbox.c.received_at, inbox.c.id
        return await page(connection, question, window, order=order, of=_delivery)


async def by_ids(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, Delivery]:
    """The workspace's bodies with these ids; what is not there is left out."""
    async with vault.reading() as connection:
        rows = await connection.execute(_listed(principal).where(inbox.c.id.in_(ids)))
        return {row.id: _delivery(row) for row in rows}


async def by_id(vault: Door, principal: Principal, id: str) -> Delivery | None:
    """One body of the workspace, if it is there."""
    return (await by_ids(vault, principal, [id])).get(id)


async def bodies(vault: Door, principal: Principal, ids: Sequence[str]) -> dict[str, bytes]:
    """What was sent, byte by byte."""
    question = select(inbox.c.id, inbox.c.body).where(
        inbox.c.workspace == principal.workspace, inbox.c.id.in_(ids)
    )
    async with vault.reading() as connection:
        return {row.id: row.body for row in await connection.execute(question)}


async def replay(vault: Door, principal: Principal, id: str) -> Delivery:
    """Let a body wait again, behind all others of its hook; one that waits stays where it is.

    Its facts are written once, however often it is replayed. Raises NotFound.
    """
    async with vault.writing() as connection:
        found = await _locked(connection, principal, id)
        if found.state is DeliveryState.WAITING:
            return found
        where = {"workspace": found.workspace, "sender": found.sender.value, "hook": found.hook}
        return await _set(
            connection,
            found,
            number=await _next_number(connection, where),
            state=DeliveryState.WAITING,
            reason=None,
            attempts=0,
            finished_at=None,
        )


async def drop(vault: Door, principal: Principal, id: str, *, now: datetime) -> Delivery:
    """Give a dead letter up; raises NotFound, and BadInput for what is no dead letter."""
    async with vault.writing() as connection:
        found = await _locked(connection, principal, id)
        if found.state is DeliveryState.DROPPED:
            return found
        if found.state is not DeliveryState.DEAD:
            raise BadInput(f"Body {id} is {found.state.value}; only dead letters can be dropped.")
        return await _set(connection, found, state=DeliveryState.DROPPED, finished_at=now)


async def hook_states(vault: Door, principal: Principal) -> list[HookState]:
    """Every hook that ever accepted a body, and what of it is not worked off."""
    open_states = (DeliveryState.WAITING, DeliveryState.DEAD)
    question = (
        select(
            inbox.c.sender,
            inbox.c.hook,
            inbox.c.state,
            func.count().label("bodies"),
            func.min(inbox.c.received_at).label("oldest_at"),
        )
        .where(inbox.c.workspace == principal.workspace, inbox.c.state.in_(open_states))
        .group_by(inbox.c.sender, inbox.c.hook, inbox.c.state)
    )
    known = select(hooks.c.sender, hooks.c.hook).where(hooks.c.workspace == principal.workspace)
    async with vault.reading() as connection:
        counts = {
            (row.sender, row.hook, row.state): row for row in await connection.execute(question)
        }
        names = sorted((row.sender, row.hook) for row in await connection.execute(known))
    return [_hook_state(sender, hook, counts) for sender, hook in names]


async def forget(vault: Door, principal: Principal, *, before: datetime) -> int:
    """Delete what was finished or dropped ``before``; dead letters stay. Returns how many."""
    ended = (DeliveryState.DONE, DeliveryState.DROPPED)
    async with vault.writing() as connection:
        await connection.execute(
            delete(gone_blocks).where(
                gone_blocks.c.workspace == principal.workspace, gone_blocks.c.said_at < before
            )
        )
        done = await connection.execute(
            delete(inbox).where(
                inbox.c.workspace == principal.workspace,
                inbox.c.state.in_(ended),
                inbox.c.received_at < before,
                inbox.c.finished_at < before,
            )
        )
    return done.rowcount


# Blocks of which a sender has said that they are gone


async def note_gone(
    vault: Door, principal: Principal, chain: str, hash: str, *, said_at: datetime
) -> None:
    """Remember that at ``said_at`` a block was no longer in its chain; the latest word holds."""
    where = {"workspace": principal.workspace, "chain": chain, "hash": hash}
    values = {**where, "principal": principal.id, "said_at": said_at}
    async with vault.writing() as connection:
        if not await add(connection, gone_blocks, values):
            older = and_(
                *(gone_blocks.c[name] == value for name, value in where.items()),
                gone_blocks.c.said_at < said_at,
            )
            await connection.execute(update(gone_blocks).where(older).values(said_at=said_at))


async def gone_at(
    vault: Door, principal: Principal, chain: str, hashes: Collection[str]
) -> dict[str, datetime]:
    """When the blocks with ``hashes`` were last said to be gone; others are left out."""
    question = select(gone_blocks.c.hash, gone_blocks.c.said_at).where(
        gone_blocks.c.workspace == principal.workspace,
        gone_blocks.c.chain == chain,
        gone_blocks.c.hash.in_(hashes),
    )
    async with vault.reading() as connection:
        return {row.hash: row.said_at for row in await connection.execute(question)}


# Rows

_LISTED: Final = tuple(column for column in inbox.columns if column.name != "body")


def _listed(principal: Principal) -> Select[Any]:
    return select(*_LISTED).where(inbox.c.workspace == principal.workspace)


async def _has(connection: AsyncConnection, where: Mapping[str, str], identity: str) -> bool:
    here = (inbox.c[name] == value for name, value in where.items())
    question = select(inbox.c.id).where(*here, inbox.c.identity == identity)
    return (await connection.execute(question)).first() is not None


async def _next_number(connection: AsyncConnection, where: Mapping[str, str]) -> int:
    here = and_(*(hooks.c[name] == value for name, value in where.items()))
    moved = update(hooks).where(here).values(last=hooks.c.last + 1).returning(hooks.c.last)
    return int((await connection.execute(moved)).scalar_one())


async def _first(connection: AsyncConnection, hold: Hold) -> Row[Any] | None:
    question = (
        select(inbox)
        .where(
            inbox.c.workspace == hold.workspace,
            inbox.c.sender == hold.sender,
            inbox.c.hook == hold.hook,
            inbox.c.state == DeliveryState.WAITING,
        )
        .order_by(inbox.c.number)
        .limit(1)
    )
    return (await connection.execute(question)).one_or_none()


async def _end(vault: Door, hold: Hold, delivery: Delivery, **changes: Any) -> None:
    async with vault.writing() as connection:
        await _require(connection, hold)
        await _set(connection, delivery, **changes)


async def _require(connection: AsyncConnection, hold: Hold) -> None:
    question = select(hooks.c.fence).where(_is_hook(hold)).with_for_update()
    if (await connection.execute(question)).scalar_one_or_none() != hold.fence:
        raise HoldLost(hold)


def _is_hook(hold: Hold) -> ColumnElement[bool]:
    return and_(
        hooks.c.workspace == hold.workspace,
        hooks.c.sender == hold.sender,
        hooks.c.hook == hold.hook,
    )


async def _set_hook(connection: AsyncConnection, hold: Hold, **changes: Any) -> None:
    await connection.execute(update(hooks).where(_is_hook(hold)).values(**changes))


async def _locked(connection: AsyncConnection, principal: Principal, id: str) -> Delivery:
    question = _listed(principal).where(inbox.c.id == id).with_for_update()
    row = (await connection.execute(question)).one_or_none()
    if row is None:
        raise NotFound(f"The inbox has no body {id[:60]}.")
    return _delivery(row)


async def _set(connection: AsyncConnection, delivery: Delivery, **changes: Any) -> Delivery:
    here = and_(inbox.c.workspace == delivery.workspace, inbox.c.id == delivery.id)
    await connection.execute(update(inbox).where(here).values(**changes))
    return replace(delivery, **changes)


def _delivery(row: Row[Any]) -> Delivery:
    told = {name: value for name, value in row._mapping.items() if name != "body"}
    told["sender"], told["state"] = Sender(row.sender), DeliveryState(row.state)
    return Delivery(**told)


def _hook_state(
    sender: str, hook: str, counts: Mapping[tuple[str, str, str], Row[Any]]
) -> HookState:
    waiting = counts.get((sender, hook, DeliveryState.WAITING.value))
    dead = counts.get((sender, hook, DeliveryState.DEAD.value))
    return HookState(
        sender=Sender(sender),
        hook=hook,
        waiting=waiting.bodies if waiting else 0,
        dead=dead.bodies if dead else 0,
        oldest_at=waiting.oldest_at if waiting else None,
    )
