"""``deskgraph notices``: where alerts go, what became of them, dead letters, and keys."""

from datetime import UTC, datetime
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deskgraph.graph_commands import awaited
from graph_api.domain.errors import BadInput
from graph_api.domain.notices import Notice, NoticeState
from graph_api.domain.principals import LOCAL
from graph_api.services.notices import DestinationFigures, figures
from graph_api.settings import Settings
from graph_api.vault import destinations, notices, sealing
from graph_api.vault.pages import MAX_ROWS, First
from graph_api.vault.sealing import seal_of
from graph_api.vault.vault import Vault
from ingest.jobs.inbox_commands import opened_vault

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_STATES: Final = [state.value for state in NoticeState]


@click.group("notices")
def group() -> None:
    """Alerts on their way to webhooks, to Slack and by e-mail."""


@group.command("destinations")
@_JSON
@click.pass_obj
@awaited
async def destinations_command(settings: Settings, /, as_json: bool) -> None:
    """Where alerts go, and how well that goes."""
    async with opened_vault(settings) as vault:
        found = await figures(vault, principal=LOCAL, now=_now())
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(one).decode())
    elif found:
        Console(soft_wrap=True).print(_destinations(found))
    else:
        click.echo("No destination is known; `createDestination` of GraphQL makes one.")


@group.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--destination", help="Only those to the destination of this id.")
@click.option("--alert", help="Only those that tell of the alert of this id.")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=50, show_default=True)
@_JSON
@click.pass_obj
@awaited
async def list_command(
    settings: Settings,
    /,
    state: str | None,
    destination: str | None,
    alert: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Notices, the newest first."""
    states = None if state is None else [NoticeState(state)]
    async with opened_vault(settings) as vault:
        found = await notices.history(
            vault, LOCAL, First(limit), states=states, destination=destination, alert=alert
        )
    _show(found.rows, as_json=as_json, more=found.older)


@group.command("dead")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=50, show_default=True)
@_JSON
@click.pass_obj
@awaited
async def dead_command(settings: Settings, /, limit: int, as_json: bool) -> None:
    """Notices that were given up, with their reasons."""
    async with opened_vault(settings) as vault:
        found = await notices.history(vault, LOCAL, First(limit), states=[NoticeState.DEAD])
    _show(found.rows, as_json=as_json, more=found.older)


@group.command("replay")
@click.argument("ids", nargs=-1)
@click.option("--destination", help="All dead letters of the destination of this id.")
@click.option("--all", "every", is_flag=True, help="All dead letters of all that are switched on.")
@click.pass_obj
@awaited
async def replay_command(
    settings: Settings, /, ids: tuple[str, ...], destination: str | None, every: bool
) -> None:
    """Try dead letters anew, under the same ids."""
    if (bool(ids), destination is not None, every).count(True) != 1:
        raise BadInput("Name notices by their IDs, or say --destination or --all.")
    async with opened_vault(settings) as vault:
        for id in ids:
            await notices.replay(vault, LOCAL, id, now=_now())
        count = len(ids)
        chosen = [destination] if destination else await _switched_on(vault) if every else []
        for one in chosen:
            count += await notices.replay_all(vault, LOCAL, one, now=_now())
    click.echo(f"{count} notices are tried anew.")


@group.command("new-key")
def new_key_command() -> None:
    """Make a key of the vault, for DESKGRAPH_VAULT__KEYS."""
    click.echo(sealing.new_key())


@group.command("reseal")
@click.pass_obj
@awaited
async def reseal_command(settings: Settings, /) -> None:
    """Seal every secret with the newest key; the others can go when that is done."""
    keys = settings.vault.keys
    seal = seal_of(
        keys.get_secret_value() if keys else None,
        home=settings.home,
        shared=settings.vault.shared,
    )
    if seal is None:
        raise BadInput("The vault has no key: set DESKGRAPH_VAULT__KEYS.")
    async with opened_vault(settings) as vault:
        found = await destinations.sealed(vault, LOCAL)
        for id, before in found.items():
            await destinations.reseal(vault, LOCAL, id, before=before, after=seal.renewed(before))
    click.echo(f"{len(found)} destinations are sealed with the newest key.")


async def _switched_on(vault: Vault) -> list[str]:
    found = await destinations.history(vault, LOCAL, First(destinations.MOST))
    return [one.id for one in found.rows if one.enabled]


def _show(found: list[Notice], *, as_json: bool, more: bool) -> None:
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(one).decode())
        return
    if found:
        Console(soft_wrap=True).print(_notices(found))
    hint = " There are more; raise --limit." if more else ""
    click.echo(f"{len(found)} notices.{hint}", err=True)


def _notices(found: list[Notice]) -> Table:
    table = Table("id", "kind", "state", "destination", "made", "due", "tries", "why", box=None)
    for one in found:
        made, due = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (one.made_at, one.due_at))
        table.add_row(
            one.id,
            one.kind.value,
            one.state.value,
            one.destination,
            made,
            due if one.state is NoticeState.WAITING else "",
            str(one.attempts),
            _plain(one.reason or ""),
        )
    return table


def _destinations(found: list[DestinationFigures]) -> Table:
    table = Table("id", "name", "kind", "address", "on", "waiting", "dead", "why", box=None)
    for one in found:
        to, counts = one.destination, one.counts
        failing = f"failing since {to.failing_since:%Y-%m-%d %H:%M}" if to.failing_since else ""
        table.add_row(
            to.id,
            _plain(to.name),
            to.kind.value,
            _plain(to.address),
            "yes" if to.enabled else "no",
            str(counts.waiting),
            str(counts.dead),
            _plain(to.disabled_reason or failing),
        )
    return table


def _plain(text: str) -> Text:
    """Reasons quote what receivers answered, and a terminal obeys control characters."""
    return Text(
        "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    )


def _now() -> datetime:
    return datetime.now(UTC)
