"""Watchlists of a workspace: made, filled, listed, and deleted when no rule needs them."""

import asyncio
from datetime import datetime
from typing import Final

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import ANY_CHAIN, News, Topic
from graph_api.domain.ids import AccountId
from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.domain.watchlists import Entry, EntryKind, Named, Watchlist
from graph_api.live.streams import Streams
from graph_api.services.jobs import enqueue
from graph_api.services.places import placed, window
from graph_api.store.outbox import new_epoch
from graph_api.vault import jobs, published_lists, watchlists
from graph_api.vault.ids import new_id
from graph_api.vault.jobs import Job
from graph_api.vault.vault import Door
from graph_api.vault.watchlists import Added, Removed, Standing, Wanted

#: Brings the graph's labels of a watchlist up to date; its subject is the list.
PUBLICATION: Final = "watchlist"


async def create(
    vault: Door, *, name: str, note: str | None = None, principal: Principal, now: datetime
) -> Watchlist:
    """A new, empty list. Raises: Refused."""
    id = new_id(now)
    return await watchlists.create(vault, principal, id=id, name=name, note=note, now=now)


async def rename(
    vault: Door,
    *,
    id: str,
    name: str | None = None,
    note: str | None = None,
    principal: Principal,
    now: datetime,
) -> Watchlist:
    """Another name or note. Raises: Refused."""
    renamed = await watchlists.rename(vault, principal, id, name=name, note=note, now=now)
    await _keep_told(vault, renamed, principal=principal, now=now)
    return renamed


async def delete(vault: Door, *, id: str, principal: Principal, now: datetime) -> Watchlist:
    """Delete a list, which answers as it was. Raises: Refused while a rule uses it."""
    gone = await watchlists.remove(vault, principal, id)
    if (gone.published_at, gone.published_revision) != (None, None):
        await _tell(vault, gone, principal=principal, now=now)
    return gone


async def put(
    vault: Door, *, id: str, entries: tuple[Wanted, ...], principal: Principal, now: datetime
) -> Added:
    """Put things on a list; what is there already stays. Raises: Refused."""
    done = await watchlists.put(vault, principal, id, entries, now=now)
    await _keep_told(vault, done.watchlist, principal=principal, now=now)
    return done


async def take(
    vault: Door, *, id: str, items: tuple[Named, ...], principal: Principal, now: datetime
) -> Removed:
    """Take things off a list. Raises: Refused."""
    done = await watchlists.take(vault, principal, id, items, now=now)
    await _keep_told(vault, done.watchlist, principal=principal, now=now)
    return done


async def publish(vault: Door, *, id: str, principal: Principal, now: datetime) -> Watchlist:
    """Let the graph tell of a list, and of its changes, by labels. Raises: Refused."""
    wished = await published_lists.publish(vault, principal, id, now=now)
    await _keep_told(vault, wished, principal=principal, now=now)
    return wished


async def unpublish(vault: Door, *, id: str, principal: Principal, now: datetime) -> Watchlist:
    """Let the graph tell of a list no more. Raises: Refused."""
    wished = await published_lists.unpublish(vault, principal, id)
    await _tell(vault, wished, principal=principal, now=now)
    return wished


async def _keep_told(
    vault: Door, watchlist: Watchlist, *, principal: Principal, now: datetime
) -> None:
    """Ask for the graph's labels, where it is to tell of the list and does not as it is now."""
    if watchlist.published_at is not None and watchlist.revision != watchlist.published_revision:
        await _tell(vault, watchlist, principal=principal, now=now)


async def _tell(vault: Door, watchlist: Watchlist, *, principal: Principal, now: datetime) -> None:
    """Ask for the graph's labels to be brought up to date.

    Belongs into the transaction of the change: a job that is about to end sees the change, and
    after its end there is another one.
    """
    await enqueue(
        vault,
        principal,
        PUBLICATION,
        arguments={"watchlist": watchlist.id},
        subject=watchlist.id,
        now=now,
    )


async def publications(vault: Door, ids: list[str], *, principal: Principal) -> dict[str, Job]:
    """The newest job about what the graph tells of each list."""
    return await jobs.newest_about(vault, principal, ids, kind=PUBLICATION)


async def ring(streams: Streams, watchlist: Watchlist, *, now: datetime) -> None:
    """Tell those who filter by a list that it has changed; a bus that is away is tried again."""
    body = {
        "watchlist": watchlist.id,
        "workspace": watchlist.workspace,
        "revision": watchlist.revision,
    }
    news = News(topic=Topic.WATCHLIST_CHANGED, body=body)

    async def tell() -> bool:
        try:
            await streams.tell(ANY_CHAIN, [news], now=now, epoch=new_epoch())
        except UpstreamUnavailable:
            return False
        return True

    async def insist() -> None:
        for pause_s in _RING_AGAIN_S:
            await asyncio.sleep(pause_s)
            if await tell():
                return

    if not await tell():
        # Who made the change need not wait for this.
        insisting = asyncio.create_task(insist())
        _INSISTING.add(insisting)
        insisting.add_done_callback(_INSISTING.discard)


_RING_AGAIN_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_INSISTING: Final[set[asyncio.Task[None]]] = set()


async def by_ids(vault: Door, ids: list[str], *, principal: Principal) -> dict[str, Watchlist]:
    """The workspace's lists with these ids."""
    return await watchlists.by_ids(vault, principal, ids)


async def listed(vault: Door, *, page: Page, principal: Principal) -> Slice[Watchlist]:
    """The workspace's lists, the newest first."""
    found = await watchlists.history(vault, principal, window(page))
    return placed(found, lambda one: (one.created_at, one.id))


async def standings(vault: Door, ids: list[str], *, principal: Principal) -> dict[str, Standing]:
    """How much is on each list."""
    return await watchlists.standings(vault, principal, ids)


async def entries(
    vault: Door,
    ids: list[str],
    *,
    kind: EntryKind | None = None,
    page: Page,
    principal: Principal,
) -> dict[str, Slice[Entry]]:
    """What is on each list, the newest first; of one kind where it is named."""
    slices: dict[str, Slice[Entry]] = {}
    for id in ids:
        found = await watchlists.entries(vault, principal, id, window(page), kind=kind)
        slices[id] = placed(found, lambda one: (one.added_at, one.key))
    return slices


async def of_wallets(
    vault: Door, wallets: list[AccountId], *, principal: Principal
) -> dict[AccountId, list[Watchlist]]:
    """The workspace's lists that name each wallet."""
    found = await watchlists.naming(vault, principal, EntryKind.WALLET, wallets)
    return {AccountId(key): lists for key, lists in found.items()}
