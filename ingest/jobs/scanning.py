"""How following is shown: a live view on a terminal, JSON lines elsewhere, and the state once."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
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
from graph_api.settings import Settings
from graph_api.store import scanners
from graph_api.store.graph import Graph
from graph_api.store.scanners import Scanner
from ingest.jobs.following import Following
from ingest.pipelines.spanning import Filling
from ingest.providers.health import EndpointStatus

Door = Callable[[Settings], AbstractAsyncContextManager[Graph]]
_EVERY_S: Final = 2.0
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
    parts: list[Text | Table] = [head, _endpoints(following.endpoints)]
    if following.trouble is not None:
        pause_s = following.trouble.again_in_s
        again = "" if pause_s is None else f" Again in {pause_s:g} s."
        text = following.trouble.error + again
        parts.append(Text(text, style="red"))
    return Group(*parts)


def _endpoints(endpoints: Sequence[EndpointStatus]) -> Table:
    grid = Table("node", "state", "head", "answers", "faults", "ms", "remedy", box=None)
    for one in endpoints:
        grid.add_row(
            one.name,
            Text(one.state, style=_STATES.get(one.state, "")),
            f"{one.head:,}" if one.head is not None else "",
            f"{one.answers:,}",
            f"{one.faults:,}",
            f"{one.latency_ms:.0f}" if one.latency_ms is not None else "",
            one.remedy or "",
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


async def show(door: Door, settings: Settings, *, watch: bool, as_json: bool) -> None:
    """Print where following stands, once or for as long as somebody watches."""
    console = Console()
    async with door(settings) as graph:
        if not watch:
            _print(await scanners.everything(graph), console, as_json=as_json)
            return
        if as_json or not console.is_terminal:
            while True:
                _print(await scanners.everything(graph), console, as_json=True)
                await asyncio.sleep(_EVERY_S)
        with Live(console=console) as view:
            while True:
                view.update(_states(await scanners.everything(graph)))
                await asyncio.sleep(_EVERY_S)


def _print(found: list[Scanner], console: Console, *, as_json: bool) -> None:
    if as_json:
        for scanner in found:
            click.echo(msgspec.json.encode(_said(scanner)))
    elif found:
        console.print(_states(found))
    else:
        click.echo("No chain is followed yet; begin with `deskgraph ingest follow CHAIN`.")


def _said(scanner: Scanner) -> dict[str, object]:
    said: dict[str, object] = msgspec.to_builtins(scanner)
    return said | {"lag": max(0, scanner.head - scanner.block), "gaps": scanner.gaps}


def _states(found: list[Scanner]) -> Table:
    now = datetime.now(UTC)
    grid = Table("chain", "block", "behind", "final", "reorgs", "gaps", "updated", box=None)
    for scanner in found:
        age_s = (now - scanner.updated_at).total_seconds()
        gaps = ", ".join(f"{first:,}-{last:,}" for first, last in scanner.gaps[:3])
        grid.add_row(
            chain_of(scanner.chain).name,
            f"{scanner.block:,}",
            f"{max(0, scanner.head - scanner.block):,}",
            f"{scanner.final:,}" if scanner.final is not None else "",
            f"{scanner.reorgs} (deepest {scanner.deepest})" if scanner.reorgs else "0",
            gaps or "none",
            f"{age_s:,.0f} s ago",
        )
    return grid
