"""The commands of the inbox of webhooks: ``list``, ``show``, ``replay`` and ``drop``."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.table import Table

from graph_api.domain.errors import NotFound
from graph_api.domain.principals import LOCAL
from graph_api.domain.webhooks import Sender
from graph_api.settings import Settings
from graph_api.vault import inbox
from graph_api.vault.inbox import Delivery, DeliveryState
from graph_api.vault.pages import First, Place
from graph_api.vault.vault import Vault
from ingest.jobs import interrupts

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_STATES = [state.value for state in DeliveryState]


def add_to(group: click.Group) -> None:
    """Add the group ``inbox`` to ``group``; settings are the context's object."""

    @group.group("inbox")
    def inbox_group() -> None:
        """What came by webhooks: dead letters, and what to do about them."""

    @inbox_group.command("list")
    @click.option("--state", type=click.Choice(_STATES), default="dead", show_default=True)
    @click.option("--sender", type=click.Choice([sender.value for sender in Sender]))
    @click.option("--hook", help="Only of this hook.")
    @click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
    @_JSON
    @click.pass_obj
    def list_command(settings: Settings, /, **given: object) -> None:
        """Bodies that were accepted, the newest first: dead letters unless told otherwise."""
        interrupts.run(_list(settings, _Listed(**given)))  # type: ignore[arg-type]

    @inbox_group.command("show")
    @click.argument("id")
    @click.option("--raw", is_flag=True, help="The body alone, byte by byte.")
    @click.pass_obj
    def show_command(settings: Settings, /, id: str, raw: bool) -> None:
        """One body, and why it is a dead letter."""
        interrupts.run(_show(settings, id, raw=raw))

    @inbox_group.command("replay")
    @click.argument("ids", nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="Every dead letter.")
    @click.pass_obj
    def replay_command(settings: Settings, /, ids: tuple[str, ...], everything: bool) -> None:
        """Let bodies wait again; what of them is in the graph already changes nothing."""
        if bool(ids) == everything:
            raise click.UsageError("Name bodies by their ids, or say --all.")
        interrupts.run(_replay(settings, ids))

    @inbox_group.command("drop")
    @click.argument("ids", nargs=-1, required=True)
    @click.pass_obj
    def drop_command(settings: Settings, /, ids: tuple[str, ...]) -> None:
        """Give dead letters up."""
        interrupts.run(_drop(settings, ids))


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    state: str
    sender: str | None
    hook: str | None
    limit: int
    as_json: bool


@asynccontextmanager
async def opened_vault(settings: Settings) -> AsyncIterator[Vault]:
    """The vault of ``settings``, at the schema that this program knows."""
    async with await Vault.open(settings.vault_url) as vault:
        await vault.check()
        yield vault


async def _list(settings: Settings, given: _Listed) -> None:
    async with opened_vault(settings) as vault:
        page = await inbox.history(
            vault,
            LOCAL,
            First(given.limit),
            states=(DeliveryState(given.state),),
            sender=Sender(given.sender) if given.sender else None,
            hook=given.hook,
        )
    if given.as_json:
        for one in page.rows:
            click.echo(msgspec.json.encode(one))
        return
    grid = Table("id", "sender", "hook", "received", "bytes", "reason", box=None)
    for one in page.rows:
        received = f"{one.received_at:%Y-%m-%d %H:%M:%S}"
        grid.add_row(one.id, one.sender, one.hook, received, f"{one.size:,}", one.reason or "")
    if page.rows:
        Console().print(grid)
    more = " There are more; raise --limit." if page.older else ""
    click.echo(f"{len(page.rows)} bodies are {given.state}.{more}", err=True)


async def _show(settings: Settings, id: str, *, raw: bool) -> None:
    async with opened_vault(settings) as vault:
        delivery = await inbox.by_id(vault, LOCAL, id)
        body = (await inbox.bodies(vault, LOCAL, [id])).get(id)
    if delivery is None or body is None:
        raise NotFound(f"The inbox has no body {id[:60]}.")
    if raw:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    for name, value in msgspec.to_builtins(delivery).items():
        click.echo(f"{name:12} {value if value is not None else ''}")
    click.echo()
    click.echo(body.decode(errors="backslashreplace"))


async def _replay(settings: Settings, ids: tuple[str, ...]) -> None:
    async with opened_vault(settings) as vault:
        chosen = ids or tuple(one.id for one in await _dead(vault))
        for id in chosen:
            await inbox.replay(vault, LOCAL, id)
    click.echo(f"{len(chosen)} bodies wait again.")


async def _dead(vault: Vault) -> list[Delivery]:
    """All dead letters, the oldest first, as they once came."""
    found: list[Delivery] = []
    window = First(500)
    while True:
        page = await inbox.history(vault, LOCAL, window)
        found += page.rows
        if not page.older:
            return found[::-1]
        window = First(500, after=Place(found[-1].received_at, found[-1].id))


async def _drop(settings: Settings, ids: tuple[str, ...]) -> None:
    async with opened_vault(settings) as vault:
        for id in ids:
            await inbox.drop(vault, LOCAL, id, now=datetime.now(UTC))
    click.echo(f"{len(ids)} bodies are dropped.")
