"""Watchlists: what a workspace keeps an eye on, and changing it."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.principals import Principal
from graph_api.domain.watchlists import (
    MAX_AT_ONCE,
    MAX_ENTRIES,
    MAX_LISTS,
    MAX_NAME,
    Entry,
    EntryKind,
    Named,
    named,
)
from graph_api.domain.watchlists import Watchlist as WatchlistRow
from graph_api.live.streams import Streams
from graph_api.schema.changes import RefusalAnswer, change_or_refusal
from graph_api.schema.context import Context
from graph_api.schema.jobs import Job
from graph_api.schema.labels import Actor
from graph_api.schema.ledger import Token, Wallet
from graph_api.schema.paging import Connection
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.services import watchlists
from graph_api.store import actors, tokens, wallets
from graph_api.vault.watchlists import Added, Removed, Standing, Wanted

strawberry.enum(
    EntryKind, name="WatchlistEntryKind", description="What an entry of a watchlist names."
)

_ID = "The list's `watchlistId`."


@strawberry.type(description="Something on a watchlist.")
class WatchlistEntry:
    """What it names, and who put it there."""

    kind: EntryKind = strawberry.field(description="What it names.")
    key: str = strawberry.field(
        description="Its name: a CAIP-10 account, a CAIP-19 token, or an actor's id."
    )
    note: str | None = strawberry.field(description="What was noted; null where nothing was.")
    added_at: datetime = strawberry.field(description="When it was put there.")
    added_by: str = strawberry.field(description="The principal who put it there.")
    account_id: strawberry.Private[AccountId | None]
    token_id: strawberry.Private[TokenId | None]
    actor_id: strawberry.Private[str | None]

    wallet: Wallet | None = batched(
        wallets.by_ids,
        key="account_id",
        of=Wallet.of,
        description="The wallet; null for other kinds, and while nothing of it is loaded.",
    )
    token: Token | None = batched(
        tokens.by_ids,
        key="token_id",
        of=Token.of,
        description="The token; null for other kinds, and while nothing of it is loaded.",
    )
    actor: Actor | None = batched(
        actors.by_ids,
        key="actor_id",
        of=Actor.of,
        description="The actor; null for other kinds, and where the graph knows none of that id.",
    )

    @classmethod
    def of(cls, row: Entry) -> "WatchlistEntry":
        """As clients see it."""
        kind = row.kind
        return cls(
            kind=kind,
            key=row.key,
            note=row.note,
            added_at=row.added_at,
            added_by=row.principal,
            account_id=AccountId(row.key) if kind is EntryKind.WALLET else None,
            token_id=TokenId(row.key) if kind is EntryKind.TOKEN else None,
            actor_id=row.key if kind is EntryKind.ACTOR else None,
        )


@strawberry.type(description="How much is on a watchlist.")
class WatchlistSize:
    """Counted by kind."""

    wallets: int = strawberry.field(description="Wallets on it.")
    tokens: int = strawberry.field(description="Tokens on it.")
    actors: int = strawberry.field(description="Actors on it.")

    @classmethod
    def of(cls, found: Standing) -> "WatchlistSize":
        """As clients see it."""
        return cls(wallets=found.wallets, tokens=found.tokens, actors=found.actors)


@strawberry.type(description="A named list of wallets, tokens and actors to keep an eye on.")
class Watchlist:
    """A list of the workspace."""

    watchlist_id: str = strawberry.field(description="Its id, to change it and to filter by it.")
    name: str = strawberry.field(description="Its name; no other list of the workspace has it.")
    note: str | None = strawberry.field(description="What was noted; null where nothing was.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The principal who made it.")
    changed_at: datetime = strawberry.field(
        description="When its name, its note or what is on it changed last."
    )
    revision: int = strawberry.field(description="Grows with each change, from 1.")
    published_at: datetime | None = strawberry.field(
        description="Since when the graph is to tell of it by labels; null where it is not."
    )
    published_revision: int | None = strawberry.field(
        description="The revision that the graph tells of; null where it tells of none."
    )

    size: WatchlistSize = batched(
        watchlists.standings,
        key="watchlist_id",
        of=WatchlistSize.of,
        description="How much is on it.",
    )
    entries: Connection[WatchlistEntry] = batched(
        watchlists.entries,
        key="watchlist_id",
        of=WatchlistEntry.of,
        cost=2,
        order="watchlist_entries",
        arguments={"kind": "Only what is of this kind."},
        description="What is on it, the newest first.",
    )

    publication: Job | None = batched(
        watchlists.publications,
        key="watchlist_id",
        of=Job.of,
        description=(
            "The newest job that brings the graph's labels of it up to date; null where it was "
            "never published."
        ),
    )

    @classmethod
    def of(cls, row: WatchlistRow) -> "Watchlist":
        """As clients see it."""
        return cls(
            watchlist_id=row.id,
            name=row.name,
            note=row.note,
            created_at=row.created_at,
            created_by=row.principal,
            changed_at=row.changed_at,
            revision=row.revision,
            published_at=row.published_at,
            published_revision=row.published_revision,
        )


@extends(Wallet)
class WalletWatchlists:
    """Which lists name a wallet."""

    watchlists: list[Watchlist] = batched(
        watchlists.of_wallets,
        key="account_id",
        of=Watchlist.of,
        description="The workspace's watchlists that name it, by their names.",
    )


@strawberry.input(one_of=True, description="A wallet, a token or an actor.")
class WatchlistItem:
    """Exactly one of its fields is given."""

    wallet: AccountId | None = strawberry.field(
        default=strawberry.UNSET, description="`ethereum:0xd8dA…6045`, or the CAIP-10 id."
    )
    token: TokenId | None = strawberry.field(
        default=strawberry.UNSET, description="`ethereum:0xdac1…1ec7`, or the CAIP-19 id."
    )
    actor: str | None = strawberry.field(
        default=strawberry.UNSET, description="An actor's id, such as `wintermute`."
    )

    def asked(self) -> Named:
        """What it names, in its normal form. Raises: BadInput."""
        for kind, key in (
            (EntryKind.WALLET, self.wallet),
            (EntryKind.TOKEN, self.token),
            (EntryKind.ACTOR, self.actor),
        ):
            if key:
                return named(kind, key)
        raise BadInput("Name it by exactly one field.")


@strawberry.input(description="Something to put on a watchlist.")
class WatchlistEntryInput:
    """An item, and what there is to note of it."""

    item: WatchlistItem = strawberry.field(description="What to put there.")
    note: str | None = strawberry.field(
        default=None,
        description="What to note, up to 2,000 characters; replaces the note of what is there.",
    )

    def asked(self) -> Wanted:
        """What to put there. Raises: BadInput."""
        return Wanted(self.item.asked(), self.note)


@strawberry.type(description="A watchlist to which something was added.")
class WatchlistAdded:
    """What is new on it, and what was there already."""

    watchlist: Watchlist = strawberry.field(description="The list as it is now.")
    added: list[WatchlistEntry] = strawberry.field(description="What is new on it.")
    known: list[WatchlistEntry] = strawberry.field(
        description="What was on it already, with the new note where one was given."
    )

    @classmethod
    def of(cls, found: Added) -> "WatchlistAdded":
        """As clients see it."""
        return cls(
            watchlist=Watchlist.of(found.watchlist),
            added=[WatchlistEntry.of(entry) for entry in found.added],
            known=[WatchlistEntry.of(entry) for entry in found.known],
        )


@strawberry.type(description="What an entry of a watchlist names.")
class WatchlistKey:
    """Its kind and its name."""

    kind: EntryKind = strawberry.field(description="What it names.")
    key: str = strawberry.field(
        description="Its name: a CAIP-10 account, a CAIP-19 token, or an actor's id."
    )


@strawberry.type(description="A watchlist from which something was removed.")
class WatchlistRemoved:
    """What was taken off, and what was not there."""

    watchlist: Watchlist = strawberry.field(description="The list as it is now.")
    removed: list[WatchlistKey] = strawberry.field(description="What was taken off.")
    missing: list[WatchlistKey] = strawberry.field(description="What was not on it.")

    @classmethod
    def of(cls, found: Removed) -> "WatchlistRemoved":
        """As clients see it."""
        return cls(
            watchlist=Watchlist.of(found.watchlist),
            removed=[WatchlistKey(kind=one.kind, key=one.key) for one in found.removed],
            missing=[WatchlistKey(kind=one.kind, key=one.key) for one in found.missing],
        )


@strawberry.type(description="A watchlist that was deleted.")
class WatchlistDeleted:
    """What it was."""

    watchlist_id: str = strawberry.field(description="The id that it had.")
    name: str = strawberry.field(description="The name that it had.")

    @classmethod
    def of(cls, row: WatchlistRow) -> "WatchlistDeleted":
        """As clients see it."""
        return cls(watchlist_id=row.id, name=row.name)


WatchlistResult = Annotated[
    Watchlist | RefusalAnswer,
    strawberry.union("WatchlistResult", description="The list as it is now, or why not."),
]
AddToWatchlistResult = Annotated[
    WatchlistAdded | RefusalAnswer,
    strawberry.union("AddToWatchlistResult", description="What was added, or why not."),
]
RemoveFromWatchlistResult = Annotated[
    WatchlistRemoved | RefusalAnswer,
    strawberry.union("RemoveFromWatchlistResult", description="What was removed, or why not."),
]
DeleteWatchlistResult = Annotated[
    WatchlistDeleted | RefusalAnswer,
    strawberry.union("DeleteWatchlistResult", description="What was deleted, or why not."),
]


def _watchlist(id: str) -> str:
    return id


async def _delete(
    context: Context, *, id: str, principal: Principal, now: datetime
) -> WatchlistRow:
    gone = await watchlists.delete(context.door, id=id, principal=principal, now=now)
    _ring(context, gone)
    return gone


async def _put(
    context: Context, *, id: str, entries: tuple[Wanted, ...], principal: Principal, now: datetime
) -> Added:
    done = await watchlists.put(context.door, id=id, entries=entries, principal=principal, now=now)
    if done.added:
        _ring(context, done.watchlist)
    return done


async def _take(
    context: Context, *, id: str, items: tuple[Named, ...], principal: Principal, now: datetime
) -> Removed:
    done = await watchlists.take(context.door, id=id, items=items, principal=principal, now=now)
    if done.removed:
        _ring(context, done.watchlist)
    return done


def _ring(context: Context, watchlist: WatchlistRow) -> None:
    """Let subscribers who filter by the list look at it again once the change is on record."""
    streams, now = context.part_if_any(Streams), context.now
    if streams is not None:
        context.afterwards.append(partial(watchlists.ring, streams, watchlist, now=now))


@strawberry.type
class WatchlistQuery:
    """The workspace's watchlists."""

    watchlist: Watchlist | None = root(
        watchlists.by_ids,
        key=_watchlist,
        of=Watchlist.of,
        arguments={"id": _ID},
        description="One watchlist of the workspace; null where it has none of that id.",
    )
    watchlists: Connection[Watchlist] = root(
        watchlists.listed,
        of=Watchlist.of,
        order="watchlists",
        description="The watchlists of the workspace, the newest first.",
    )


@strawberry.type
class WatchlistMutation:
    """Making and filling watchlists."""

    create_watchlist: WatchlistResult = change_or_refusal(
        watchlists.create,
        of=Watchlist.of,
        arguments={
            "name": f"Its name, 1 to {MAX_NAME} characters, which no other list has.",
            "note": "What to note of it, up to 2,000 characters.",
        },
        description=f"Make an empty watchlist; a workspace has up to {MAX_LISTS}.",
    )
    rename_watchlist: WatchlistResult = change_or_refusal(
        watchlists.rename,
        of=Watchlist.of,
        arguments={
            "id": _ID,
            "name": "Its new name; the old one stays when not given.",
            "note": "Its new note, empty to take it away; the old one stays when not given.",
        },
        description="Give a watchlist another name or note.",
    )
    delete_watchlist: DeleteWatchlistResult = change_or_refusal(
        _delete,
        of=WatchlistDeleted.of,
        arguments={"id": _ID},
        description=(
            "Delete a watchlist and what is on it; refused (IN_USE) while an alert rule uses it."
        ),
    )
    publish_watchlist: WatchlistResult = change_or_refusal(
        watchlists.publish,
        of=Watchlist.of,
        arguments={"id": _ID},
        description=(
            "Let the graph tell which wallets are on a watchlist: each gets a label of the source "
            "`watchlist:` and the list's name, which follows later changes of the list. Everybody "
            "who reads the graph sees these labels, notes included."
        ),
    )
    unpublish_watchlist: WatchlistResult = change_or_refusal(
        watchlists.unpublish,
        of=Watchlist.of,
        arguments={"id": _ID},
        description=(
            "Take the labels of a watchlist back: what was known of it before stays known to who "
            "asks as of then."
        ),
    )
    add_to_watchlist: AddToWatchlistResult = change_or_refusal(
        _put,
        of=WatchlistAdded.of,
        arguments={
            "id": _ID,
            "entries": Argument(
                f"What to put there, up to {MAX_AT_ONCE:,} at once.",
                type=list[WatchlistEntryInput],
            ),
        },
        description=(
            f"Put wallets, tokens and actors on a watchlist, which holds up to {MAX_ENTRIES:,}. "
            "What is on it already stays."
        ),
    )
    remove_from_watchlist: RemoveFromWatchlistResult = change_or_refusal(
        _take,
        of=WatchlistRemoved.of,
        arguments={
            "id": _ID,
            "items": Argument(
                f"What to take off, up to {MAX_AT_ONCE:,} at once.", type=list[WatchlistItem]
            ),
        },
        description="Take wallets, tokens and actors off a watchlist.",
    )
