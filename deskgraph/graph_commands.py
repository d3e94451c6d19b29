"""``deskgraph graph``: start the embedded engine, migrate, and say where the schema stands."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, ParamSpec

import click
from rich.console import Console
from rich.table import Table

from deskgraph import connect
from deskgraph.engines.errors import EngineError
from graph_api.domain.chains import CHAINS
from graph_api.domain.errors import BadInput
from graph_api.settings import Settings
from graph_api.store import migrations
from graph_api.store.ledger.differences import Difference
from graph_api.store.ledger.mending import mend
from graph_api.store.ledger.recompute import Recount
from graph_api.store.ledger.turn import Turn
from ingest.jobs import interrupts

P = ParamSpec("P")
#: So many differences are shown; all are counted, and put right.
_SHOWN: Final = 20


def awaited(command: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A command that runs in an event loop until it ends or is interrupted."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        interrupts.run(command(*args, **kwargs))

    return run


async def until_stopped() -> None:
    """Return at the first SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    await stopped.wait()


@click.group("graph")
def graph() -> None:
    """The graph engine and its schema."""


@graph.command("start")
@click.pass_obj
@awaited
async def start(settings: Settings, /) -> None:
    """Run the embedded graph until stopped; other commands find it by themselves."""
    if settings.neo4j.url is not None:
        raise BadInput(
            "DESKGRAPH_NEO4J__URL names a server already; unset it to start the embedded graph."
        )
    async with connect.kept_up_graph(settings, on_trouble=tell) as address:
        click.echo(
            f"The graph answers at {address.url}, database {address.database}; passwords are "
            f"in {settings.home / 'graph'}."
        )
        await until_stopped()


def tell(trouble: EngineError, again_in_s: float) -> None:
    """Say that an engine died and comes back."""
    click.echo(f"deskgraph: {trouble} It is started again in {again_in_s:g} s.", err=True)


@graph.command("migrate")
@click.pass_obj
@awaited
async def migrate(settings: Settings, /) -> None:
    """Bring graph and vault to what this version knows; safe to repeat."""
    async with connect.open_graph(settings) as door:
        applied = await migrations.migrate(door, now=connect.now())
    for migration in applied:
        click.echo(f"Graph: applied {migration.number:04d} {migration.name}.")
    revisions = await connect.migrate_vault(settings)
    for revision in revisions:
        click.echo(f"Vault: applied {revision}.")
    if not applied and not revisions:
        click.echo("The schema is current.")


@graph.command("status")
@click.pass_obj
@awaited
async def status(settings: Settings, /) -> None:
    """Say which migrations are applied and which are pending; exit code 1 when some are."""
    async with connect.open_graph(settings) as door:
        state = await migrations.status(door)
        engine = f"{door.engine} ({door.version}) at {door.address.url}"
    table = Table("migration", "name", "state", box=None)
    for row in state.applied:
        table.add_row(f"{row.number:04d}", row.name, "applied" if row.done else "under way")
    for pending in state.pending:
        table.add_row(f"{pending.number:04d}", pending.name, "pending")
    console = Console()
    console.print(engine, soft_wrap=True)
    console.print(table)
    if not state.current:
        raise click.exceptions.Exit(1)


@graph.command("recompute")
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 when something differs.")
@click.option(
    "--spool",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder for intermediate files, about 1 kB a transfer; else the system's.",
)
@click.pass_obj
@awaited
async def recompute(settings: Settings, /, check: bool, spool: Path | None) -> None:
    """Work flows, holdings and counters out of the facts anew, and put right what differs.

    Nobody else can write meanwhile.
    """
    with TemporaryDirectory(dir=spool, prefix="deskgraph-") as folder:
        async with connect.current_graph(settings) as door:
            turn = Turn(door, clock=connect.now, waiting=_waiting)
            recount = Recount(door, Path(folder))
            try:
                await turn.hold(chain.id for chain in CHAINS)
                found = _shown(recount.differences())
                wrong = await (_counted(found) if check else mend(turn, found))
            finally:
                await turn.give_back()
    compared = ", ".join(f"{count:,} {kind}" for kind, count in sorted(recount.compared.items()))
    done = "differ" if check else "were put right"
    click.echo(f"Compared {compared or 'nothing'}; {wrong:,} {done}.")
    if check and wrong:
        raise click.exceptions.Exit(1)


async def _shown(differences: AsyncIterator[Difference]) -> AsyncIterator[Difference]:
    number = 0
    async for difference in differences:
        number += 1
        if number <= _SHOWN:
            click.echo(str(difference))
        yield difference


async def _counted(differences: AsyncIterator[Difference]) -> int:
    return len([None async for _ in differences])


def _waiting(name: str) -> None:
    click.echo(f"Another process is writing {name}; waiting for its turn to end.", err=True)
