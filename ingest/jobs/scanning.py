"""How following is shown: a live view on a terminal, JSON lines elsewhere, and the state once."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime
from typing import Final

import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from graph_api.domain.chains import Chain, chain_of
from graph_api.services.scanning import Endpoint, Followed, Trouble, followed
from graph_api.settings import Settings
from graph_api.store.graph import Graph
from graph_api.store.scanners import Scanner
from ingest.jobs.following import Following
from ingest.jobs.streams import streams_if_any
from ingest.pipelines.spanning import Filling
from ingest.providers.health import EndpointStatus

Door = Callable[[Settings], AbstractAsyncContextManager[Graph]]
_EVERY_S: Final = 2.0
#: Columns of what is written to a file or to another program.
_WIDE: Final = 200
_MOST_GAPS: Final = 3
_STATES: Final = {"healthy": "green", "resting": "yellow", "quarantined": "red"}


@contextmanager
def live(chain: Chain, *, as_json: bool) -> Iterator[Callable[[Following], None]]:
    """Shows each ``Following`` that it is told."""
    if as_json or not sys.stderr.isatty():
        yield _line
        return
    with Live(Text(f"{chain.name}: looking for the head …"), console=Console(stderr=True)) as view:
        yield lambda following: view.update(_picture(chain, following))


def _line(following: Following) -> None:
    said = msgspec.to_builtins(following) | {"lag": following.lag}
    sys.stderr.write(msgspec.json.encode(said).decode() + "\n")
    sys.stderr.flush()


def _picture(chain: Chain, following: Following) -> Group:
    scanner = following.scanner
    head = Text(f"{chain.name}: no block yet")
    if scanner is not None:
        lag = following.lag or 0
        head = Text(
            f"{chain.name}: block {scanner.block:,}"
            f"{f', {lag:,} behind' if lag else ', at the head'}"
            f"  {following.blocks_per_s:,.1f} blocks/s  {following.records_per_s:,.0f} records/s"
            f"  {scanner.reorgs} reorganisations"
            f"{f' (deepest {scanner.deepest})' if scanner.reorgs else ''}"
        )
    parts: list[Text | Table] = [head, _nodes({chain.name: following.endpoints})]
    if following.trouble is not None:
        parts.append(_trouble(chain, following.trouble))
    return Group(*parts)


def _nodes(found: Mapping[str, Sequence[EndpointStatus | Endpoint]]) -> Table:
    """The nodes of each chain, and what was wrong with them last."""
    grid = Table(
        "node", "chain", "state", "head", "answers", "faults", "ms", "last fault", box=None
    )
    for chain, nodes in found.items():
        for one in nodes:
            state = f"{one.state}, {_span(one.free_in_s)}" if one.free_in_s else one.state
            grid.add_row(
                one.name,
                chain,
                Text(state, style=_STATES.get(one.state, "")),
                f"{one.head:,}" if one.head is not None else "",
                f"{one.answers:,}",
                f"{one.faults:,}",
                f"{one.latency_ms:.0f}" if one.latency_ms is not None else "",
                _plain(f"{one.fault_text} {one.remedy}" if one.fault_text else ""),
            )
    return grid


@contextmanager
def filling(chain: Chain, *, as_json: bool) -> Iterator[Callable[[Filling], None]]:
    """Shows how far a stretch is loaded: a bar on a terminal, JSON lines elsewhere."""
    if as_json or not sys.stderr.isatty():

        def line(one: Filling) -> None:
            sys.stderr.write(msgspec.json.encode(one).decode() + "\n")
            sys.stderr.flush()

        yield line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{chain.name} blocks", total=None)

        def report(one: Filling) -> None:
            total = one.last - one.first + 1
            progress.update(task, total=total, completed=one.block - one.first + 1)

        yield report


async def show(
    door: Door, settings: Settings, *, bus_url: str | None, watch: bool, as_json: bool
) -> None:
    """Print where following stands, once or for as long as somebody watches."""
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    async with door(settings) as graph, streams_if_any(bus_url) as streams:
        if not watch:
            _print(await followed(graph, streams), console, as_json=as_json)
            return
        if as_json or not console.is_terminal:
            while True:
                _print(await followed(graph, streams), console, as_json=True)
                await asyncio.sleep(_EVERY_S)
        with Live(console=console) as view:
            while True:
                view.update(_states(await followed(graph, streams)))
                await asyncio.sleep(_EVERY_S)


def _print(found: Sequence[Followed], console: Console, *, as_json: bool) -> None:
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(_as_json(one)))
    elif found:
        console.print(_states(found))
    else:
        click.echo("No chain is followed yet; begin with `deskgraph ingest follow CHAIN`.")


def _as_json(one: Followed) -> dict[str, object]:
    """All of it, by the words that GraphQL has."""
    now = datetime.now(UTC)
    scanner: dict[str, object] = msgspec.to_builtins(one.scanner) if one.scanner else {}
    said: dict[str, object] = msgspec.to_builtins(one.said) if one.said else {}
    told_at = said.pop("at", None)
    return {
        **scanner,
        **said,
        "chain": one.chain,
        "block_time": one.block_time,
        "lag": one.lag,
        "lag_s": one.lag_s(now),
        "gaps": one.scanner.gaps if one.scanner else [],
        "told_at": told_at,
        "nodes": one.endpoints,
    }


def _states(found: Sequence[Followed]) -> Group:
    now = datetime.now(UTC)
    grid = Table(
        "chain", "block", "head", "lag", "final", "rate", "reorgs", "gaps", "written", box=None
    )
    for one in found:
        grid.add_row(chain_of(one.chain).name, *_state(one, now=now))
    parts: list[Text | Table] = [grid]
    if any(one.endpoints for one in found):
        parts += [Text(), _nodes({chain_of(one.chain).name: one.endpoints for one in found})]
    parts += [text for one in found for text in _troubles(one, now=now)]
    return Group(*parts)


def _state(one: Followed, *, now: datetime) -> list[str]:
    scanner, said, lag_s = one.scanner, one.said, one.lag_s(now)
    if scanner is None:
        return ["none yet", "", "", "", "", "", "", ""]
    rate = f"{said.blocks_per_s:,.1f} blocks/s, {said.records_per_s:,.0f} records/s" if said else ""
    lag = f"{one.lag:,} blocks"
    return [
        f"{scanner.block:,}",
        f"{scanner.head:,}",
        lag if lag_s is None else f"{lag}, {_span(lag_s)}",
        f"{scanner.final:,}" if scanner.final is not None else "",
        rate,
        f"{scanner.reorgs} (deepest {scanner.deepest})" if scanner.reorgs else "0",
        _gaps(scanner),
        f"{_span((now - scanner.updated_at).total_seconds())} ago",
    ]


def _gaps(scanner: Scanner) -> str:
    shown = [f"{first:,}-{last:,}" for first, last in scanner.gaps[:_MOST_GAPS]]
    more = len(scanner.gaps) - len(shown)
    return ", ".join([*shown, f"{more:,} more"] if more else shown) or "none"


def _troubles(one: Followed, *, now: datetime) -> Iterator[Text]:
    """What is wrong; else what was wrong last."""
    if one.said is None:
        return
    if one.said.trouble is not None:
        yield _trouble(chain_of(one.chain), one.said.trouble)
    elif (past := one.said.last_trouble) is not None:
        age = _span((now - past.at).total_seconds())
        yield _plain(f"{chain_of(one.chain).name}, {age} ago: {past.error}", style="dim")


def _trouble(chain: Chain, trouble: Trouble) -> Text:
    again = "Not again by itself."
    if trouble.again_in_s is not None:
        again = f"Again in {trouble.again_in_s:g} s."
    remedy = f" What to do: {trouble.remedy}" if trouble.remedy else ""
    return _plain(f"{chain.name}: {trouble.error} {again}{remedy}", style="red")


def _plain(text: str, *, style: str = "") -> Text:
    """What nodes answer is quoted in it, and a terminal obeys control characters."""
    signs = (sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return Text("".join(signs), style=style)


def _span(seconds: float) -> str:
    """A span of time as people say it."""
    for unit, length_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:,.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
