"""Commands of wallets that are asked for, and of jobs: ``wallet``, ``jobs list|show|cancel``."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import BadInput, GraphApiError, NotFound, UpstreamUnavailable
from graph_api.domain.ids import AccountId, account_id, chain_of_id, parse_account
from graph_api.domain.principals import LOCAL
from graph_api.domain.wallet_loads import Budget, Ended, Loaded
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.services import jobs as asked
from graph_api.settings import Settings
from graph_api.store.graph import Graph
from graph_api.vault import jobs
from graph_api.vault.jobs import FINAL, Job, JobState
from graph_api.vault.pages import First
from graph_api.vault.vault import Vault
from ingest.jobs import interrupts
from ingest.jobs.histories import Addresses
from ingest.jobs.inbox_commands import opened_vault
from ingest.jobs.marking import marking
from ingest.jobs.wallets import WalletWork, read_wallet
from ingest.jobs.workers import Bell, Ring, nobody

Door = Callable[[Settings], AbstractAsyncContextManager[Graph]]
BusOf = Callable[[Settings], str | None]
Show = Callable[[Job], None]

_LOOK_EVERY_S: Final = 0.5
_STATES: Final = [state.value for state in JobState]
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


class WalletFailed(GraphApiError):
    """A wallet could not be read."""


def add_to(group: click.Group, door: Door, *, bus: BusOf) -> None:
    """Add ``wallet`` to ``group``; ``bus`` is told of changes of the graph."""

    @group.command("wallet")
    @click.argument("address")
    @click.option("--chain", help="Its chain, unless the address names it: ethereum:0x….")
    @click.option("--node", "node", multiple=True, metavar="URL", help="A node to ask.")
    @click.option("--explorer", metavar="URL", help="An explorer to ask, with its key.")
    @click.option("--blocks", type=click.IntRange(1), help="Read so many blocks at most.")
    @click.option("--records", type=click.IntRange(1), help="Read so many records at most.")
    @click.option("--requests", type=click.IntRange(1), help="Ask so often at most.")
    @click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Take so long.")
    @_JSON
    @click.pass_obj
    def wallet_command(settings: Settings, /, **given: object) -> None:
        """Read the history of the wallet ADDRESS, newest first, within a budget.

        What was read before is not read again: the same command goes on. A job that is at the
        wallet already, of another process, is watched to its end.
        """
        interrupts.run(_wallet(door, settings, _Wallet(**given), bus=bus))  # type: ignore[arg-type]


def jobs_group() -> click.Group:
    """The group ``jobs``; settings are the context's object."""

    @click.group("jobs", context_settings={"help_option_names": ["-h", "--help"]})
    def group() -> None:
        """Long work that was asked for: by GraphQL, or by `deskgraph ingest wallet`."""

    @group.command("list")
    @click.option("--state", "states", multiple=True, type=click.Choice(_STATES))
    @click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
    @_JSON
    @click.pass_obj
    def list_command(
        settings: Settings, /, states: tuple[str, ...], limit: int, as_json: bool
    ) -> None:
        """Jobs, the newest first."""
        interrupts.run(_list(settings, states, limit=limit, as_json=as_json))

    @group.command("show")
    @click.argument("id")
    @click.option("--watch", is_flag=True, help="Go on showing it until it ends.")
    @_JSON
    @click.pass_obj
    def show_command(settings: Settings, /, id: str, watch: bool, as_json: bool) -> None:
        """One job, and what it came to."""
        interrupts.run(_show(settings, id, watch=watch, as_json=as_json))

    @group.command("cancel")
    @click.argument("ids", nargs=-1, required=True)
    @click.pass_obj
    def cancel_command(settings: Settings, /, ids: tuple[str, ...]) -> None:
        """Call jobs off; what they have done stays."""
        interrupts.run(_cancel(settings, ids))

    return group


class _Wallet(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    chain: str | None
    node: tuple[str, ...]
    explorer: str | None
    blocks: int | None
    records: int | None
    requests: int | None
    seconds: float | None
    as_json: bool


def wallet_work(settings: Settings) -> WalletWork:
    """How wallets that are asked for are read, as settings say it."""
    return WalletWork(
        addresses=addresses_of(settings),
        budget=budget_of(settings),
        at_once=settings.wallets.at_once,
        rejects=settings.home / "rejects",
    )


def budget_of(settings: Settings, **given: Any) -> Budget:
    """What one request may cost, by settings but for what was given."""
    named = {name: value for name, value in given.items() if value is not None}
    return Budget(**(settings.wallets.model_dump(exclude={"at_once"}) | named))


def addresses_of(settings: Settings) -> Addresses:
    """The nodes and explorers of settings."""
    return Addresses(
        nodes={name: one.get_secret_value() for name, one in settings.nodes.items()},
        explorers={name: one.get_secret_value() for name, one in settings.explorers.items()},
    )


async def _wallet(door: Door, settings: Settings, given: _Wallet, *, bus: BusOf) -> None:
    account = _account(given)
    chain = chain_of_id(account)
    async with (
        door(settings) as graph,
        opened_vault(settings) as vault,
        marking(bus(settings)) as changed,
        _belled(bus(settings)) as bell,
    ):
        with _shown(account, as_json=given.as_json) as show:

            async def ring(job: Job) -> None:
                show(job)
                await bell(job)

            wallets = WalletWork(
                addresses=_addresses(settings, chain, given),
                budget=budget_of(
                    settings,
                    blocks=given.blocks,
                    records=given.records,
                    requests=given.requests,
                    seconds=given.seconds,
                ),
                rejects=settings.home / "rejects",
            )
            worker = wallets.worker(graph, vault, clock=_now, ring=ring, changed=changed)
            job = await read_wallet(worker, account, now=_now())
            while job.state not in FINAL:
                show(job)
                await asyncio.sleep(_LOOK_EVERY_S)
                job = await worker.once(job.id) or await _found(vault, job.id)
    _tell_end(job, as_json=given.as_json)


def _account(given: _Wallet) -> AccountId:
    if given.chain is None:
        return parse_account(given.address)
    address = given.address.rpartition(":")[2]
    account = account_id(chain_of(given.chain), address)
    if address != given.address and parse_account(given.address) != account:
        raise BadInput("--chain and the address name different chains.")
    return account


def _addresses(settings: Settings, chain: Chain, given: _Wallet) -> Addresses:
    known = addresses_of(settings)
    if not given.node and given.explorer is None:
        return known
    return Addresses(
        nodes={chain.slug: " ".join(given.node)} if given.node else {},
        explorers={chain.slug: given.explorer} if given.explorer else {},
    )


def _tell_end(job: Job, *, as_json: bool) -> None:
    if job.state is JobState.FAILED:
        raise WalletFailed(" ".join(filter(None, (job.error, job.remedy))))
    if as_json:
        click.echo(msgspec.json.encode(_said(job)))
        return
    if job.state is JobState.CANCELLED:
        click.echo("The job was cancelled; what it has read stays.")
        return
    loaded = msgspec.convert(job.result, Loaded)
    for part in loaded.parts:
        reach = "nothing" if part.first is None else f"blocks {part.first:,} to {part.last:,}"
        click.echo(f"{part.part.value:10} {reach} of {part.source}")
        if part.unseen is not None:
            click.echo(f"{'':10} Not seen: {part.unseen}")
    click.echo(f"{loaded.written:,} facts are new, {loaded.known:,} were there.")
    if loaded.ended is not Ended.COMPLETE and loaded.ended is not None:
        click.echo(f"The budget of {loaded.ended.value} is spent; the same command goes on.")


@asynccontextmanager
async def _belled(url: str | None) -> AsyncIterator[Ring]:
    """What tells those who wait by way of the bus; nobody where there is none."""
    bus = None
    with suppress(UpstreamUnavailable):
        bus = await Bus.connect(url) if url is not None else None
    try:
        yield nobody if bus is None else Bell(Streams(bus), clock=_now)
    finally:
        if bus is not None:
            await bus.close()


@contextmanager
def _shown(account: AccountId, *, as_json: bool) -> Iterator[Show]:
    """A bar on a terminal, JSON lines elsewhere, on standard error."""
    if as_json or not sys.stderr.isatty():

        def line(job: Job) -> None:
            sys.stderr.write(msgspec.json.encode(_said(job)).decode() + "\n")
            sys.stderr.flush()

        yield line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(account, total=1.0, message="")

        def show(job: Job) -> None:
            message = job.message or job.state.value
            progress.update(task, completed=job.progress, message=message)

        yield show


async def _list(settings: Settings, states: tuple[str, ...], *, limit: int, as_json: bool) -> None:
    wanted = [JobState(state) for state in states] or None
    async with opened_vault(settings) as vault:
        page = await jobs.history(vault, LOCAL, First(limit), states=wanted)
    if as_json:
        for job in page.rows:
            click.echo(msgspec.json.encode(_said(job)))
        return
    grid = Table("id", "kind", "about", "state", "progress", "asked for", "", box=None)
    for job in page.rows:
        grid.add_row(
            job.id,
            job.kind,
            job.subject or "",
            job.state.value,
            f"{job.progress:.0%}",
            f"{job.created_at:%Y-%m-%d %H:%M:%S}",
            job.error or job.message or "",
        )
    if page.rows:
        console = Console()
        if not console.is_terminal:
            console.width = 400  # nothing limits a line in a file
        console.print(grid)
    more = " There are more; raise --limit." if page.older else ""
    click.echo(f"{len(page.rows)} jobs.{more}", err=True)


async def _show(settings: Settings, id: str, *, watch: bool, as_json: bool) -> None:
    async with opened_vault(settings) as vault:
        job = await _found(vault, id)
        with _shown(AccountId(job.subject or job.id), as_json=as_json) as show:
            while watch and job.state not in FINAL:
                show(job)
                await asyncio.sleep(_LOOK_EVERY_S)
                job = await _found(vault, id)
    if as_json:
        click.echo(msgspec.json.encode(_said(job)))
        return
    for name, value in _said(job).items():
        if value is not None:
            click.echo(f"{name:12} {value}")


async def _cancel(settings: Settings, ids: tuple[str, ...]) -> None:
    async with opened_vault(settings) as vault:
        for id in ids:
            job = await asked.cancel(vault, id=id, principal=LOCAL, now=_now())
            ended = job.state is not JobState.CANCELLED
            click.echo(f"Job {job.id} {'had ended' if ended else 'is cancelled'}.")


async def _found(vault: Vault, id: str) -> Job:
    job = await jobs.by_id(vault, LOCAL, id)
    if job is None:
        raise NotFound(f"There is no job {id[:60]}.")
    return job


def _said(job: Job) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(job)
    for name in ("workspace", "principal", "worker", "fence", "lease_until"):
        del said[name]
    return said


def _now() -> datetime:
    return datetime.now(UTC)
