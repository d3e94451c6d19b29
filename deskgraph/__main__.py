"""The ``deskgraph`` command."""

import signal
import sys
from pathlib import Path
from typing import Final, NoReturn

import click
from pydantic import ValidationError

from deskgraph.lazy import Lazy, LazyGroup
from deskgraph.version import VERSION
from graph_api.domain.errors import GraphApiError
from graph_api.settings import Settings
from ingest.jobs.interrupts import Interrupted

COMMANDS: Final = (
    Lazy("alerts", "What alert rules raised, and what they would raise.", "alert_commands:group"),
    Lazy(
        "clusters",
        "Who is one: wallets that may have one owner, and the evidence for it.",
        "cluster_commands:group",
    ),
    Lazy("cypher", "Run STATEMENT on the running graph.", "cypher_commands:cypher"),
    Lazy(
        "demo",
        "Load a sample economy (or --data) into a graph of its own and serve it.",
        "serving_commands:demo",
    ),
    Lazy(
        "desks",
        "The desk registry: who trades over the counter, and with which wallets.",
        "desk_commands:group",
    ),
    Lazy(
        "doctor",
        "Look at machine, engines and schema, and say how to mend what is wrong.",
        "serving_commands:doctor_command",
    ),
    Lazy("events", "Events: what the graph told, and what is happening.", "dead_commands:events"),
    Lazy("graph", "The graph engine and its schema.", "graph_commands:graph"),
    Lazy("ingest", "Bring files into the graph.", "ingest_commands:ingest"),
    Lazy(
        "jobs",
        "Long work that was asked for: by GraphQL, or by `deskgraph ingest wallet`.",
        "ingest_commands:jobs",
    ),
    Lazy(
        "notices",
        "Alerts on their way to webhooks, to Slack and by e-mail.",
        "notice_commands:group",
    ),
    Lazy("prices", "What assets cost, in US dollars.", "ingest_commands:prices"),
    Lazy(
        "serve",
        "Run the API alone, on the graph that runs or that DESKGRAPH_NEO4J__URL names.",
        "serving_commands:serve",
    ),
    Lazy("up", "Run the graph, the bus and the API until stopped.", "serving_commands:up"),
    Lazy("watch", "Follow what happens, through the API, until stopped.", "watch_commands:group"),
    Lazy("watchlists", "Watchlists, by their names or ids.", "watchlist_commands:group"),
)


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


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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


if __name__ == "__main__":
    main()
