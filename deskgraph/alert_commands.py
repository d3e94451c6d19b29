"""``deskgraph alerts``: what rules raised, seeing to it, the rules, and what they would raise."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.text import Text

from deskgraph import connect
from deskgraph.graph_commands import awaited
from deskgraph.watch_commands import printable
from graph_api.domain.alerts import Alert, Rule, Severity, kind_of
from graph_api.domain.principals import LOCAL
from graph_api.services.alert_previews import LONGEST, Preview
from graph_api.services.alerts import Policy, preview
from graph_api.settings import Settings
from graph_api.vault import alert_rules, alerts
from graph_api.vault.alerts import Wanted
from graph_api.vault.pages import MAX_ROWS, First
from ingest.jobs.inbox_commands import opened_vault

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_STYLES: Final = {Severity.INFO: "", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}


@click.group("alerts")
def group() -> None:
    """What alert rules raised, and what they would raise."""


@group.command("list")
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice([one.value for one in Severity]),
    help="Only of this severity; several times for more.",
)
@click.option("--rule", "rules", multiple=True, help="Only those of the rule of this id.")
@click.option("--open", "only_open", is_flag=True, help="Only those that nobody has seen to.")
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=50, show_default=True)
@_JSON
@click.pass_obj
@awaited
async def list_command(
    settings: Settings,
    /,
    severities: tuple[str, ...],
    rules: tuple[str, ...],
    only_open: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Alerts, the newest first."""
    wanted = Wanted(
        severities=tuple(map(Severity, severities)) or None,
        rules=rules or None,
        acknowledged=False if only_open else None,
        retracted=False if only_open else None,
    )
    async with opened_vault(settings) as vault:
        found = await alerts.history(vault, LOCAL, First(limit), wanted=wanted)
    if as_json:
        for one in found.rows:
            click.echo(msgspec.json.encode(one).decode())
        return
    if not found.rows:
        click.echo("No alert.")
        return
    _print(_line(one) for one in found.rows)
    if found.older:
        click.echo("There are older ones; --limit shows more.")


@group.command("ack")
@click.argument("ids", nargs=-1, required=True)
@click.option("--note", help="What to note with each.")
@click.pass_obj
@awaited
async def acknowledge(settings: Settings, /, ids: tuple[str, ...], note: str | None) -> None:
    """Say that you have seen to the alerts IDS: all of them, or none."""
    async with opened_vault(settings) as vault:
        done = await alerts.acknowledge(vault, LOCAL, ids, now=_now(), note=note)
    click.echo(f"{len(done)} acknowledged.")


@group.command("rules")
@_JSON
@click.pass_obj
@awaited
async def rules_command(settings: Settings, /, as_json: bool) -> None:
    """The alert rules, the newest first."""
    async with opened_vault(settings) as vault:
        found = await alert_rules.history(vault, LOCAL, First(MAX_ROWS))
    if as_json:
        for one in found.rows:
            click.echo(msgspec.json.encode(one).decode())
    elif found.rows:
        _print(_rule_line(one) for one in found.rows)
    else:
        click.echo("There is no alert rule; `createAlertRule` of GraphQL makes one.")


@group.command("preview")
@click.argument("rule")
@click.option(
    "--days",
    type=click.FloatRange(0, LONGEST.days, min_open=True),
    default=7.0,
    show_default=True,
    help="How far back to look.",
)
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True)
@_JSON
@click.pass_obj
@awaited
async def preview_command(
    settings: Settings, /, rule: str, days: float, limit: int, as_json: bool
) -> None:
    """What the RULE of this id would have raised."""
    async with (
        opened_vault(settings) as vault,
        connect.graph_to_read(settings) as graph,
    ):
        found = await preview(
            graph,
            vault,
            Policy(tolerance=timedelta(seconds=settings.prices.tolerance_s)),
            rule=rule,
            last_s=round(days * 86_400),
            principal=LOCAL,
            now=_now(),
        )
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        _show(found, limit)


def _show(found: Preview, limit: int) -> None:
    click.echo(
        f"{found.raised:,} alerts, {found.swallowed:,} more were quiet (cool-down); "
        f"{found.looked_at:,} events looked at."
    )
    if not found.is_complete:
        click.echo(f"Nothing is left out from {_said(found.complete_from)} on.")
    for one in found.findings[:limit]:
        click.echo(f"{_said(one.event_at)}  {printable(one.finding.title)}")


def _print(lines: Iterable[Text]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for line in lines:
        console.print(line)


def _line(alert: Alert) -> Text:
    """One alert; nothing of it is cut, since its id is there to be copied."""
    return Text.assemble(
        f"#{alert.number}  {_said(alert.event_at)}  ",
        (alert.severity.value, _STYLES[alert.severity]),
        printable(f"  {alert.title}  ({alert.rule_name})  {_state(alert)}  {alert.id}"),
    )


def _rule_line(rule: Rule) -> Text:
    state = "on" if rule.enabled else "off"
    return Text.assemble(
        printable(f"{rule.name}  {kind_of(rule.condition)}  "),
        (rule.severity.value, _STYLES[rule.severity]),
        f"  cool-down {rule.cool_down_s} s  {state}  {rule.id}",
    )


def _state(alert: Alert) -> str:
    if alert.retracted_at is not None:
        return "taken back"
    return "open" if alert.acknowledged_at is None else f"seen to by {alert.acknowledged_by}"


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _now() -> datetime:
    return datetime.now(UTC)
