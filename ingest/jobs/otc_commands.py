"""The command of OTC: ``ingest sizes``."""

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import click
import msgspec

from graph_api.settings import Settings
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from ingest.jobs import interrupts
from ingest.pipelines.sizing import Sized, recount

Door = Callable[[Settings], AbstractAsyncContextManager[Graph]]


def add_to(group: click.Group, door: Door) -> None:
    """Add ``sizes`` to ``group``."""

    @group.command("sizes")
    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
    @click.pass_obj
    def sizes_command(settings: Settings, /, as_json: bool) -> None:
        """Count how large transfers were, so that rare sizes are known.

        What is announced is counted as it comes. Run this once when history was loaded from files.
        """
        interrupts.run(_count(door, settings, as_json=as_json))


async def _count(door: Door, settings: Settings, *, as_json: bool) -> None:
    def report(one: Sized) -> None:
        line = f"{one.token}: {one.transfers:,} transfers on {one.days} days"
        click.echo(msgspec.json.encode(one).decode() if as_json else line)
        sys.stdout.flush()

    async with door(settings) as graph:
        turn = Turn(graph, clock=_now)
        await recount(graph, turn, days=settings.otc.days, now=_now(), report=report)


def _now() -> datetime:
    return datetime.now(UTC)
