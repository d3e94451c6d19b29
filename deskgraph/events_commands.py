"""``deskgraph events``: what happens and what happened, where every line stands, and publishing."""

import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from deskgraph import connect
from deskgraph.engines.valkey import running_bus
from deskgraph.graph_commands import awaited
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.events import ANY_CHAIN, KEPT_LINES, Event, Lane, Line
from graph_api.live.bus import Bus, BusFacts
from graph_api.live.cursors import Cursor, Mark
from graph_api.live.reading import Lost, newest, read
from graph_api.live.streams import Streams
from graph_api.services.events import AlertLine, Kept, KeptPast, LaneFigures, Outbox, figures
from graph_api.settings import Settings
from ingest.jobs.inbox_commands import opened_vault
from ingest.jobs.working import retention
from ingest.pipelines.publishing import Publisher, Standing, State

_PAGE: Final = 500

_lines = click.option(
    "--line",
    "names",
    multiple=True,
    type=click.Choice([line.value for line in Line]),
    help="One of the lines; may be given several times. All of them where left out.",
)
_chain = click.option("--chain", help="Slug or CAIP-2 id of the only chain to show.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group("events")
def group() -> None:
    """Events: what the graph told, and what is happening."""


@group.command("tail")
@_lines
@_chain
@click.option("-n", "count", default=10, show_default=True, help="Begin so many events back.")
@click.option("--after", help="Go on after a cursor that --json printed.")
@_json
@click.pass_obj
@awaited
async def tail(
    settings: Settings,
    /,
    names: tuple[str, ...],
    chain: str | None,
    count: int,
    after: str | None,
    as_json: bool,
) -> None:
    """Show events as they come, until stopped."""
    lines, only = _wanted(names), _chain_id(chain)
    async with opened_streams(settings) as streams, _past(settings) as past:
        start = Cursor.of(after) if after else await _back(streams, lines, past, count=count)
        cursor = start
        events = read(streams, start, lines=lines, past=past, on_lost=_say_lost)
        async with aclosing(events) as batches:
            async for batch in batches:
                for event in batch.events:
                    cursor = cursor.moved(batch.lane, Mark(batch.epoch, event.number))
                    if only in {None, event.chain}:
                        _show(event, batch.epoch, cursor=cursor if as_json else None)
                sys.stdout.flush()


@group.command("replay")
@_lines
@_chain
@click.option("--from", "first", default=1, show_default=True, help="Number to begin with.")
@click.option("--to", "last", type=int, help="Number to end with.")
@_json
@click.pass_obj
@awaited
async def replay(
    settings: Settings,
    /,
    names: tuple[str, ...],
    chain: str | None,
    first: int,
    last: int | None,
    as_json: bool,
) -> None:
    """Show what is kept of the past, line by line, and stop. Nothing is announced again."""
    only = _chain_id(chain)
    async with _kept(settings) as kept:
        past = KeptPast(*kept)
        for state in await past.lines():
            if state.line in _wanted(names) and only in {None, state.chain}:
                if first < state.first and state.last >= first:
                    _say(f"{state.lane} is kept from {state.first} on.")
                end = state.last if last is None else min(last, state.last)
                async for event in _between(past, state.lane, state.epoch, first, end):
                    mark = Mark(state.epoch, event.number)
                    cursor = Cursor({state.lane: mark}) if as_json else None
                    _show(event, state.epoch, cursor=cursor)


@group.command("lines")
@_json
@click.pass_obj
@awaited
async def lines_command(settings: Settings, /, as_json: bool) -> None:
    """Show where every line stands: numbers, what waits, who publishes, who judges."""
    async with opened_streams(settings) as streams, _kept(settings) as kept:
        facts = await streams.bus.facts()
        found = await figures(kept, streams)
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(_plain(one)).decode())
        return
    console = Console()
    console.print(f"{facts.server} {facts.version}: {durability(facts)}", soft_wrap=True)
    console.print(_table(found, now=connect.now()))


@group.command("publish")
@click.pass_obj
@awaited
async def publish(settings: Settings, /) -> None:
    """Copy the outbox to the bus until stopped; `deskgraph up` does it by itself."""
    async with opened_streams(settings) as streams, connect.current_graph(settings) as graph:
        await Publisher(
            Outbox(graph),
            streams,
            clock=connect.now,
            keep=retention(settings),
            report=_say_standing,
        ).run()


@group.command("disband")
@click.argument("name")
@click.pass_obj
@awaited
async def disband(settings: Settings, /, name: str) -> None:
    """Forget the group NAME on every line, so that nothing is kept for it any more."""
    async with opened_streams(settings) as streams:
        found = [lane for lane in await streams.lanes() if await streams.disband(lane, name)]
    if not found:
        raise BadInput(f"There is no group {name}; `deskgraph events lines` shows them.")
    click.echo(f"{name} is forgotten on {', '.join(map(str, found))}.")


def durability(facts: BusFacts) -> str:
    """What a crash of the bus costs, in a sentence."""
    if facts.keeps_every_write:
        return "every event that it took in outlives a crash (appendfsync always)."
    if facts.append_only and facts.fsync:
        return (
            f"a crash may cost it its last events (appendfsync {facts.fsync}); the outbox tells "
            "them again."
        )
    if facts.append_only:
        return "it writes to its disk, and does not say how soon; the outbox tells what it forgets."
    return "a restart empties it (appendonly no); the outbox refills it."


@asynccontextmanager
async def opened_streams(settings: Settings) -> AsyncIterator[Streams]:
    """The streams of the bus that runs. Raises: BadInput when none does."""
    given = settings.redis.url
    url = given.get_secret_value() if given else running_bus(settings.home)
    if url is None:
        raise BadInput(
            f"No bus runs for {settings.home}; start one with `deskgraph up` or set "
            "DESKGRAPH_REDIS__URL."
        )
    bus = await Bus.connect(url)
    try:
        yield Streams(bus)
    finally:
        await bus.close()


@asynccontextmanager
async def _kept(settings: Settings) -> AsyncIterator[list[Kept]]:
    """What the graph keeps, and the vault where there is one."""
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(connect.graph_to_read(settings))
        kept: list[Kept] = [Outbox(graph)]
        with suppress(GraphApiError):
            kept.append(AlertLine(await stack.enter_async_context(opened_vault(settings))))
        yield kept


@asynccontextmanager
async def _past(settings: Settings) -> AsyncIterator[KeptPast | None]:
    """What graph and vault keep, if the graph runs."""
    async with AsyncExitStack() as stack:
        past: KeptPast | None = None
        try:
            past = KeptPast(*await stack.enter_async_context(_kept(settings)))
        except BadInput as error:
            _say(f"{error} Without it, only what the bus holds is shown.")
        yield past


async def _back(
    streams: Streams, lines: Collection[Line], past: KeptPast | None, *, count: int
) -> Cursor:
    """A cursor ``count`` events before the newest of each lane, as far as they are kept."""
    now = await newest(streams, lines, past=past)
    first = {one.lane: one.first for one in await streams.survey(sorted(now.marks))}
    for kept in await past.lines() if past else ():
        first[kept.lane] = min(kept.first, first.get(kept.lane, kept.first))
    return Cursor(
        {
            lane: Mark(mark.epoch, max(mark.number - count, first.get(lane, 1) - 1, 0))
            for lane, mark in now.marks.items()
        }
    )


async def _between(
    past: KeptPast, lane: Lane, epoch: str, first: int, last: int
) -> AsyncIterator[Event]:
    mark = Mark(epoch, first - 1)
    while mark.number < last:
        events = await past.after(lane, mark, limit=min(_PAGE, last - mark.number))
        if not events:
            return
        for event in events:
            if event.number <= last:
                yield event
        mark = Mark(epoch, events[-1].number)


def _wanted(names: tuple[str, ...]) -> tuple[Line, ...]:
    return tuple(map(Line, names)) or tuple(Line)


def _chain_id(name: str | None) -> str | None:
    if name is None or ":" in name or name == ANY_CHAIN:
        return name
    return chain_of(name).id


def _show(event: Event, epoch: str, *, cursor: Cursor | None) -> None:
    """One event on standard output; with its cursor as JSON, else for people."""
    if cursor is not None:
        said = {
            "line": event.line,
            "chain": event.chain,
            "epoch": epoch,
            "number": event.number,
            "topic": event.topic,
            "at": _moment(event.at),
            "body": event.body,
            "cursor": cursor.text(),
        }
        click.echo(msgspec.json.encode(said).decode())
        return
    words = " ".join(f"{name}={_word(value)}" for name, value in event.body.items())
    at = _moment(event.at).strftime("%Y-%m-%d %H:%M:%S")
    click.echo(f"{at}  {event.chain} #{event.number}  {event.topic}  {words}")


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # Names of tokens come from strangers, and a terminal obeys control characters.
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


async def _say_lost(lost: Lost) -> None:
    _say(str(lost.error()))


def _say_standing(standing: Standing) -> None:
    if standing.state is State.WAITING:
        _say(f"{standing.lane} waits at {standing.published}: {standing.trouble}")
    elif standing.state is not State.BEHIND:
        _say(f"{standing.lane}: {standing.state} up to {standing.published}.")


def _say(text: str) -> None:
    click.echo(f"deskgraph: {text}", err=True)


def _plain(one: LaneFigures) -> dict[str, Any]:
    return {
        "line": one.lane.line,
        "chain": one.lane.chain,
        "epoch": one.kept.epoch if one.kept else None,
        "last": one.kept.last if one.kept else one.stream.last if one.stream else 0,
        "outbox_depth": one.depth,
        "outbox_oldest_at": one.oldest_at,
        "stream_first": one.stream.first if one.stream else None,
        "stream_last": one.stream.last if one.stream else None,
        "stream_length": one.length,
        "waiting": one.waiting,
        "waiting_since": one.waiting_since,
        "publisher": one.publisher,
        "groups": [msgspec.structs.asdict(group) for group in one.groups],
    }


def _table(found: Sequence[LaneFigures], *, now: datetime) -> Table:
    heads = (
        "line",
        "chain",
        "last",
        "outbox",
        "stream",
        "waiting",
        "oldest",
        "publisher",
        "groups",
    )
    table = Table(*heads, box=None)
    for one in found:
        last = one.kept.last if one.kept else one.stream.last if one.stream else 0
        since = f" for {_age(one.waiting_since, now)}" if one.waiting_since else ""
        table.add_row(
            one.lane.line,
            one.lane.chain,
            f"{last:,}",
            f"{one.depth:,}" if one.lane.line in KEPT_LINES else "",
            f"{one.length:,}",
            f"{one.waiting:,}{since}" if one.kept else "",
            _age(one.oldest_at, now) if one.oldest_at else "",
            one.publisher or ("nobody" if one.kept else ""),
            ", ".join(f"{group.name} at {group.done:,}" for group in one.groups),
        )
    return table


def _age(moment: datetime, now: datetime) -> str:
    return str(timedelta(seconds=max(0, round((now - moment).total_seconds()))))
