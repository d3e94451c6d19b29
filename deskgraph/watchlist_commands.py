"""``deskgraph watchlists``: lists of wallets, tokens and actors; filled from files, published."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from typing import Final, TypeVar

import click
import msgspec

from deskgraph import connect
from deskgraph.graph_commands import awaited
from deskgraph.watch_commands import printable
from graph_api.domain.errors import BadInput, NotFound, UpstreamUnavailable
from graph_api.domain.principals import LOCAL
from graph_api.domain.watchlists import MAX_AT_ONCE, Entry, EntryKind, Named, Watchlist, named
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.services import watchlists as asked
from graph_api.settings import Settings
from graph_api.vault import watchlists
from graph_api.vault.pages import MAX_ROWS, First
from graph_api.vault.vault import Door
from graph_api.vault.watchlists import Wanted
from ingest.jobs.inbox_commands import opened_vault

Item = TypeVar("Item")

#: First cells that name a column and nothing on it.
_HEADERS: Final = frozenset({"account", "actor", "address", "token", "wallet"})

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_watchlist = click.argument("watchlist")
_file = click.argument("file", type=click.Path(allow_dash=True))
_kind = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in EntryKind]),
    default=EntryKind.WALLET.value,
    show_default=True,
    help="What the lines name.",
)
_chain = click.option("--chain", help="Of addresses that name none: a slug such as `ethereum`.")


@click.group("watchlists")
def group() -> None:
    """Watchlists, by their names or ids."""


@group.command("list")
@_json
@click.pass_obj
@awaited
async def list_command(settings: Settings, /, as_json: bool) -> None:
    """All watchlists, the newest first."""
    async with opened_vault(settings) as vault:
        found = (await watchlists.history(vault, LOCAL, First(MAX_ROWS))).rows
        sizes = await watchlists.standings(vault, LOCAL, [one.id for one in found])
    if not found and not as_json:
        click.echo(
            "There is no watchlist; `deskgraph watchlists add NAME FILE --create` makes one."
        )
    for one in found:
        size = sizes[one.id]
        if as_json:
            told = msgspec.to_builtins(one) | msgspec.to_builtins(size)
            click.echo(msgspec.json.encode(told).decode())
            continue
        published = "  published" if one.published_at is not None else ""
        click.echo(
            f"{one.id}  {printable(one.name)}  {size.wallets:,} wallets, {size.tokens:,} tokens, "
            f"{size.actors:,} actors{published}"
        )


@group.command("show")
@_watchlist
@_json
@click.pass_obj
@awaited
async def show_command(settings: Settings, /, watchlist: str, as_json: bool) -> None:
    """What is on WATCHLIST, the newest first."""
    async with opened_vault(settings) as vault:
        found = await _found(vault, watchlist)
        async for entry in _entries(vault, found):
            if as_json:
                click.echo(msgspec.json.encode(entry).decode())
            else:
                note = f"  {printable(entry.note)}" if entry.note else ""
                click.echo(f"{entry.kind.value:6}  {printable(entry.key)}{note}")


@group.command("add")
@_watchlist
@_file
@_kind
@_chain
@click.option("--create", is_flag=True, help="Make the list where there is none of that name.")
@click.pass_obj
@awaited
async def add_command(
    settings: Settings,
    /,
    watchlist: str,
    file: str,
    kind: str,
    chain: str | None,
    create: bool,
) -> None:
    """Put the lines of FILE on WATCHLIST: all of them, or none.

    A line is a name and, behind a comma, what there is to note of it; - is standard input.
    """
    lines = list(_lines(file, EntryKind(kind), chain))
    wanted = [Wanted(name, note) for name, note in lines]
    now, added, known = connect.now(), 0, 0
    async with opened_vault(settings) as vault, vault.together() as door:
        found = await _found_or_made(door, watchlist) if create else await _found(door, watchlist)
        for some in _chunks(wanted):
            done = await asked.put(door, id=found.id, entries=some, principal=LOCAL, now=now)
            found, added, known = done.watchlist, added + len(done.added), known + len(done.known)
    await _ring(settings, found)
    click.echo(f"{added:,} added, {known:,} were on it already.")


@group.command("remove")
@_watchlist
@_file
@_kind
@_chain
@click.pass_obj
@awaited
async def remove_command(
    settings: Settings, /, watchlist: str, file: str, kind: str, chain: str | None
) -> None:
    """Take what the lines of FILE name off WATCHLIST: all of them, or none."""
    unwanted = [name for name, _ in _lines(file, EntryKind(kind), chain)]
    now, removed, missing = connect.now(), 0, 0
    async with opened_vault(settings) as vault, vault.together() as door:
        found = await _found(door, watchlist)
        for some in _chunks(unwanted):
            done = await asked.take(door, id=found.id, items=some, principal=LOCAL, now=now)
            found, removed = done.watchlist, removed + len(done.removed)
            missing += len(done.missing)
    await _ring(settings, found)
    click.echo(f"{removed:,} removed, {missing:,} were not on it.")


@group.command("publish")
@_watchlist
@click.pass_obj
@awaited
async def publish_command(settings: Settings, /, watchlist: str) -> None:
    """Let the graph tell which wallets are on WATCHLIST, for everybody who reads it."""
    async with opened_vault(settings) as vault, vault.together() as door:
        found = await _found(door, watchlist)
        await asked.publish(door, id=found.id, principal=LOCAL, now=connect.now())
    click.echo("Its labels are written by `deskgraph up` or `deskgraph ingest work`.")


@group.command("unpublish")
@_watchlist
@click.pass_obj
@awaited
async def unpublish_command(settings: Settings, /, watchlist: str) -> None:
    """Let the graph tell of WATCHLIST no more."""
    async with opened_vault(settings) as vault, vault.together() as door:
        found = await _found(door, watchlist)
        await asked.unpublish(door, id=found.id, principal=LOCAL, now=connect.now())
    click.echo("Its labels are taken back by `deskgraph up` or `deskgraph ingest work`.")


async def _found(vault: Door, wanted: str) -> Watchlist:
    """The list of that id or name. Raises: NotFound."""
    rows = (await watchlists.history(vault, LOCAL, First(MAX_ROWS))).rows
    for one in rows:
        if wanted in (one.id, one.name):
            return one
    raise NotFound(f"There is no watchlist {wanted[:60]!r}; `deskgraph watchlists list` shows all.")


async def _found_or_made(vault: Door, wanted: str) -> Watchlist:
    with suppress(NotFound):
        return await _found(vault, wanted)
    return await asked.create(vault, name=wanted, principal=LOCAL, now=connect.now())


async def _entries(vault: Door, watchlist: Watchlist) -> AsyncIterator[Entry]:
    window = First(MAX_ROWS)
    while True:
        found = await watchlists.entries(vault, LOCAL, watchlist.id, window)
        for entry in found.rows:
            yield entry
        if not found.older:
            return
        window = First(MAX_ROWS, after=watchlists.place_of(found.rows[-1]))


def _lines(file: str, kind: EntryKind, chain: str | None) -> Iterator[tuple[Named, str | None]]:
    """What the lines name, with notes. Raises: BadInput that says which line."""
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            yield from _named(opened, kind, chain)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from error


def _named(
    lines: Iterable[str], kind: EntryKind, chain: str | None
) -> Iterator[tuple[Named, str | None]]:
    reader = csv.reader(lines, skipinitialspace=True)
    for row in reader:
        first = row[0].strip() if row else ""
        if not first or first.startswith("#"):
            continue
        if reader.line_num == 1 and first.lower() in _HEADERS:
            continue
        bare = chain is not None and kind is not EntryKind.ACTOR and ":" not in first
        try:
            name = named(kind, f"{chain}:{first}" if bare else first)
        except BadInput as error:
            raise BadInput(f"Line {reader.line_num}: {error}") from None
        yield name, (row[1].strip() or None) if len(row) > 1 else None


def _chunks(some: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    rest = iter(some)
    while part := tuple(islice(rest, MAX_AT_ONCE)):
        yield part


async def _ring(settings: Settings, watchlist: Watchlist) -> None:
    """Let subscribers look at the list again; where no bus runs, nobody is subscribed."""
    async with _streams(settings) as streams:
        if streams is not None:
            await asked.ring(streams, watchlist, now=connect.now())


@asynccontextmanager
async def _streams(settings: Settings) -> AsyncIterator[Streams | None]:
    url, bus = connect.bus_url(settings), None
    with suppress(UpstreamUnavailable):
        bus = None if url is None else await Bus.connect(url)
    try:
        yield None if bus is None else Streams(bus)
    finally:
        if bus is not None:
            await bus.close()
