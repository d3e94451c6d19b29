"""``deskgraph events dead``: events that a group could not judge, and what to do about them."""

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deskgraph.events_commands import group as events
from deskgraph.events_commands import opened_streams
from deskgraph.graph_commands import awaited
from graph_api.domain.errors import BadInput
from graph_api.live.dead_letters import DeadEvent, DeadLetters, groups_with_dead
from graph_api.settings import Settings


@events.group("dead")
def group() -> None:
    """Events that were set aside because judging them failed."""


@group.command("list")
@click.option("--group", "name", help="Only those of this group.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, events included.")
@click.pass_obj
@awaited
async def list_command(settings: Settings, /, name: str | None, as_json: bool) -> None:
    """List them with their reasons."""
    async with opened_streams(settings) as streams:
        names = await groups_with_dead(streams) if name is None else [name]
        found = [one for each in names for one in await DeadLetters(streams, each).listed()]
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(one).decode())
    elif found:
        Console(soft_wrap=True).print(_table(found))
    else:
        click.echo("No event is set aside.")


@group.command("replay")
@click.argument("name", metavar="GROUP")
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="All that the group has set aside.")
@click.pass_obj
@awaited
async def replay(settings: Settings, /, name: str, id_: str | None, every: bool) -> None:
    """Give the event ID to GROUP once more."""
    if (id_ is None) != every:
        raise BadInput("Say the ID of an event, or --all.")
    async with opened_streams(settings) as streams:
        letters = DeadLetters(streams, name)
        ids = [one.id for one in await letters.listed()] if id_ is None else [id_]
        for one in ids:
            await letters.replay(one)
    click.echo(f"{len(ids)} to be judged again by {name}.")


@group.command("drop")
@click.argument("name", metavar="GROUP")
@click.argument("id_", metavar="ID")
@click.pass_obj
@awaited
async def drop(settings: Settings, /, name: str, id_: str) -> None:
    """Give the event ID of GROUP up."""
    async with opened_streams(settings) as streams:
        await DeadLetters(streams, name).drop(id_)
    click.echo(f"{id_} is given up.")


def _table(found: list[DeadEvent]) -> Table:
    table = Table("group", "id", "topic", "since", "reason", box=None)
    for one in found:
        again = "judged again soon; " if one.again else ""
        since = one.at.strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(one.group, one.id, one.event.topic, since, _plain(again + one.reason))
    return table


def _plain(text: str) -> Text:
    """Reasons quote what strangers wrote, and a terminal obeys control characters."""
    return Text(
        "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    )
