"""``deskgraph up``, ``serve``, ``demo`` and ``doctor``."""

import asyncio
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from deskgraph import doctor
from deskgraph.demo import demo as run_demo
from deskgraph.doctor import Finding, State
from deskgraph.engines.arcadedb import running_graph
from deskgraph.graph_commands import awaited
from deskgraph.sample import SIZES
from deskgraph.up import up as run_up
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import GraphApiError
from graph_api.server.main import application, preflight
from graph_api.server.workers import serve as run_server
from graph_api.settings import MAX_WORKERS, Settings
from graph_api.store import migrations
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph

_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


def _with_http(settings: Settings, **given: int | None) -> Settings:
    """Options that were given outrank settings."""
    update = {name: value for name, value in given.items() if value is not None}
    http = settings.http.model_copy(update=update)
    return settings.model_copy(update={"http": http})


port_option = click.option(
    "--port", type=click.IntRange(0, 65535), help="Port of the API (8000); 0 picks a free one."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, MAX_WORKERS),
    help="Processes that answer on the port (1); one uses one core.",
)


@click.command("up")
@port_option
@workers_option
@click.pass_obj
@awaited
async def up(settings: Settings, /, port: int | None, workers: int | None) -> None:
    """Run the graph, the bus and the API until stopped."""
    await run_up(_with_http(settings, port=port, workers=workers))


@click.command("serve")
@port_option
@workers_option
@click.pass_obj
def serve(settings: Settings, /, port: int | None, workers: int | None) -> None:
    """Run the API alone, on the graph that runs or that DESKGRAPH_NEO4J__URL names."""
    settings = _with_http(_found(settings), port=port, workers=workers)
    asyncio.run(preflight(settings))
    run_server(
        application,
        settings,
        announce=lambda address: click.echo(f"Deskgraph answers at {address}/graphql"),
    )


@click.command("demo")
@click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Files or folders to load instead of the sample; may be given again.",
)
@click.option("--chain", default="ethereum", show_default=True, help="Chain of --data.")
@click.option("--size", type=click.Choice(list(SIZES)), default="small", show_default=True)
@click.option("--check", is_flag=True, help="Ask the example queries once, then stop.")
@port_option
@workers_option
@click.pass_obj
@awaited
async def demo(
    settings: Settings,
    /,
    data: tuple[Path, ...],
    chain: str,
    size: str,
    check: bool,
    port: int | None,
    workers: int | None,
) -> None:
    """Load a sample economy (or --data) into a graph of its own and serve it."""
    port = 0 if check and port is None else port
    settings = _with_http(settings, port=port, workers=workers)
    await run_demo(settings, data=data, chain=chain_of(chain), size=size, check=check)


@click.command("doctor")
@click.pass_obj
@awaited
async def doctor_command(settings: Settings, /) -> None:
    """Look at machine, engines and schema, and say how to mend what is wrong."""
    findings = await doctor.examine(settings, schema=_schema)
    table = Table("", "what", "found", "how to mend it", box=None)
    for finding in findings:
        colour = _COLOURS[finding.state]
        table.add_row(
            f"[{colour}]{finding.state}[/]", finding.name, finding.found, finding.mend or ""
        )
    Console().print(table)
    if any(finding.state is State.FAIL for finding in findings):
        raise click.exceptions.Exit(1)


async def _schema(address: GraphAddress) -> Finding:
    graph = await Graph.open(address)
    try:
        state = await migrations.status(graph)
    except GraphApiError as error:
        return Finding("schema", State.FAIL, str(error))
    finally:
        await graph.close()
    if state.current:
        return Finding("schema", State.OK, f"{len(state.applied)} migrations applied")
    return Finding(
        "schema",
        State.WARN,
        f"{len(state.pending)} migrations pending",
        "Run `deskgraph graph migrate`.",
    )


def _found(settings: Settings) -> Settings:
    address = settings.neo4j.address or running_graph(settings.home)
    if address is None:
        return settings
    found = {
        "url": address.url,
        "user": address.user,
        "password": address.password,
        "database": address.database,
    }
    neo4j = settings.neo4j.model_validate(settings.neo4j.model_dump() | found)
    return settings.model_copy(update={"neo4j": neo4j})
