"""The ``deskgraph`` command."""

import signal
import sys
from pathlib import Path
from typing import NoReturn

import click
from pydantic import ValidationError
from rich.console import Console

from deskgraph import connect, cypher_shell
from deskgraph.alert_commands import group as alerts
from deskgraph.cluster_commands import group as clusters
from deskgraph.dead_commands import group as dead
from deskgraph.desk_commands import group as desks
from deskgraph.events_commands import group as events
from deskgraph.graph_commands import awaited, graph
from deskgraph.notice_commands import group as notices
from deskgraph.serving_commands import demo, doctor_command, serve, up
from deskgraph.version import VERSION
from deskgraph.watch_commands import group as watch
from deskgraph.watchlist_commands import group as watchlists
from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.settings import Settings
from ingest.jobs import commands as ingest_commands
from ingest.jobs import price_commands, wallet_commands
from ingest.jobs.interrupts import Interrupted


def main() -> None:
    """Run the command; an error is one sentence on standard error and exit code 2."""
    try:
        # Click gives the code of an early exit back instead of raising it.
        code = cli(standalone_mode=False)
        if code:
            sys.exit(code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _leave(Interrupted(signal.SIGINT))
    except Interrupted as interrupted:
        _leave(interrupted)
    except GraphApiError as error:
        click.echo(f"deskgraph: {error}", err=True)
        sys.exit(2)
    except ValidationError as error:
        for fault in error.errors():
            name = "__".join(str(part) for part in fault["loc"]).upper()
            click.echo(f"deskgraph: DESKGRAPH_{name}: {fault['msg']}.", err=True)
        sys.exit(2)


def _leave(interrupted: Interrupted) -> NoReturn:
    click.echo(str(interrupted), err=True)
    sys.exit(interrupted.code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="deskgraph")
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="Data folder (.deskgraph)."
)
@click.pass_context
def cli(context: click.Context, home: Path | None) -> None:
    """A GraphQL API on a native transaction graph."""
    settings = Settings()
    if home is not None:
        settings = settings.model_copy(update={"home": home})
    context.obj = settings


@cli.command("cypher")
@click.argument("statement", required=False)
@click.option("--list", "listing", is_flag=True, help="List the questions that ship, and stop.")
@click.option("--print", "printing", is_flag=True, help="Print it for Neo4j Browser; run nothing.")
@click.option("--json", "form", flag_value="json", help="One JSON object a line.")
@click.option("--csv", "form", flag_value="csv", help="CSV with a header.")
@click.option("--write", is_flag=True, help="Allow the statement to change the graph.")
@click.option(
    "-p", "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter."
)
@click.pass_obj
@awaited
async def cypher(
    settings: Settings,
    statement: str | None,
    listing: bool,
    printing: bool,
    form: str | None,
    write: bool,
    parameters: tuple[str, ...],
) -> None:
    """Run STATEMENT on the running graph: Cypher text, a file's path, - for standard input, or
    @QUESTION for a question of the cookbook."""
    if listing:
        cypher_shell.as_list(console=Console())
        return
    if statement is None:
        raise BadInput("Give a statement, a file, or @QUESTION; --list shows the questions.")
    asked = cypher_shell.asked(statement, parameters)
    if printing:
        click.echo(cypher_shell.as_script(asked), nl=False)
        return
    door = connect.open_graph if write else connect.graph_to_read
    async with door(settings) as graph:
        keys, rows = await cypher_shell.run(graph, asked, write=write)
    if form == "json":
        click.echo(cypher_shell.as_json(keys, rows), nl=False)
    elif form == "csv":
        click.echo(cypher_shell.as_csv(keys, rows), nl=False)
    else:
        cypher_shell.as_table(keys, rows, console=Console())


for command in (
    alerts,
    clusters,
    up,
    serve,
    demo,
    doctor_command,
    graph,
    desks,
    events,
    watch,
    notices,
    watchlists,
):
    cli.add_command(command)
events.add_command(dead)
cli.add_command(ingest_commands.group(connect.current_graph, bus=connect.bus_url))
cli.add_command(wallet_commands.jobs_group())
cli.add_command(price_commands.prices_group(connect.current_graph, bus=connect.bus_url))


if __name__ == "__main__":
    main()
