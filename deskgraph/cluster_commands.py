"""``deskgraph clusters``: find who is one on a chain, and see why wallets are taken for one."""

from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from deskgraph import connect
from deskgraph.graph_commands import awaited
from graph_api.domain.chains import chain_of
from graph_api.domain.clusters import THRESHOLD
from graph_api.domain.errors import NotFound, TooCostly
from graph_api.domain.ids import AccountId, ChainId, parse_account
from graph_api.domain.pages import Page
from graph_api.services.clustering import replays
from graph_api.services.clustering.exports import exported_replay
from graph_api.services.clustering.reading import Progress
from graph_api.services.clustering.replays import Terms
from graph_api.services.clustering.runs import Clustering
from graph_api.services.exporting import ExportFormat
from graph_api.settings import Settings
from graph_api.store import clusters
from graph_api.store.clusters import EvidenceRow, RunRow
from ingest.jobs.clusters import cluster_limits, facts_folder

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group("clusters")
def group() -> None:
    """Who is one: wallets that may have one owner, and the evidence for it."""


@group.command("run")
@click.argument("chain")
@_json
@click.pass_obj
@awaited
async def run_command(settings: Settings, /, chain: str, as_json: bool) -> None:
    """Find who is one on CHAIN, such as ethereum, and publish it in the graph.

    The first run reads everything that is loaded of the chain, the next ones new blocks alone, as
    long as nothing older has changed. `deskgraph up` runs again by itself when there is news.
    """
    id = ChainId(chain_of(chain).id)
    said = Console(stderr=True)

    def tell(progress: Progress) -> None:
        if said.is_terminal:
            said.print(f"{progress.share:4.0%} {progress.message}", end="\r", soft_wrap=True)

    async with connect.current_graph(settings) as graph:
        clustering = Clustering(
            graph,
            clock=connect.now,
            limits=cluster_limits(settings),
            folder=facts_folder(settings.home),
        )
        run = await clustering.run(id, tell=tell)
    if as_json:
        _line(run)
        return
    click.echo(
        f"{chain_of(chain).name}, run {run.number}: {run.evidence:,} pieces of evidence of "
        f"{run.facts:,} facts; {run.clusters:,} clusters of {run.wallets:,} wallets, the largest "
        f"of {run.largest:,}; {run.suspicious:,} were not merged as far as their evidence goes."
    )


@group.command("show")
@click.argument("account")
@click.option("--first", default=20, show_default=True, type=click.IntRange(1, 1_000))
@_json
@click.pass_obj
@awaited
async def show_command(settings: Settings, /, account: str, first: int, as_json: bool) -> None:
    """The cluster of ACCOUNT, such as ethereum:0x…, and its wallets."""
    wallet = parse_account(account)
    async with connect.current_graph(settings) as graph:
        found = (await clusters.by_wallets(graph, [wallet])).get(wallet)
        if found is None:
            raise NotFound(
                f"{wallet} is in no cluster; `deskgraph clusters run` finds those of its chain."
            )
        members = (await clusters.members(graph, [found.id], page=Page(size=first)))[found.id]
        run = (await clusters.published(graph, [found.chain])).get(found.chain)
    if as_json:
        for row in members.rows:
            _line({"cluster": found.id, "wallet": row.id})
        return
    click.echo(f"{found.id}: {found.size:,} wallets" + _of(run))
    if found.actor:
        click.echo(f"of {found.actor}")
    if found.suspicion:
        click.echo(f"not merged further: {found.suspicion}")
    for row in members.rows:
        click.echo(f"  {row.id}")
    if members.more_after:
        click.echo(f"  and {found.size - len(members.rows):,} more")


@group.command("explain")
@click.argument("one")
@click.argument("other")
@click.option(
    "--threshold", default=THRESHOLD, show_default=True, help="Less sure evidence does not count."
)
@click.option("--as-of-block", type=int, help="Evidence of later blocks does not count.")
@_json
@click.pass_obj
@awaited
async def explain_command(
    settings: Settings,
    /,
    one: str,
    other: str,
    threshold: float,
    as_of_block: int | None,
    as_json: bool,
) -> None:
    """The chain of evidence from account ONE to account OTHER that is most likely right."""
    start, end = parse_account(one), parse_account(other)
    terms = Terms(threshold=threshold, as_of_block=as_of_block)
    async with connect.current_graph(settings) as graph:
        found = await replays.explain(graph, start, end, terms)
    if as_json:
        for link in found.links:
            _line(link)
        return
    if found.confidence is None:
        more = "" if found.complete else "; there is more evidence than was read"
        click.echo(f"No evidence leads from {start} to {end}{_of(found.run)}{more}.")
        return
    together = "are" if found.published else "are not"
    click.echo(
        f"Confidence {found.confidence:.3f}; both {together} in one cluster{_of(found.run)}."
    )
    Console().print(_table(start, found.links))


@group.command("export")
@click.argument("account")
@click.option(
    "--format",
    "format",
    type=click.Choice([one.value for one in ExportFormat]),
    default=ExportFormat.CSV.value,
    show_default=True,
)
@click.option(
    "--threshold", default=THRESHOLD, show_default=True, help="Less sure evidence does not count."
)
@click.option("--as-of-block", type=int, help="Evidence of later blocks does not count.")
@click.pass_obj
@awaited
async def export_command(
    settings: Settings,
    /,
    account: str,
    format: str,
    threshold: float,
    as_of_block: int | None,
) -> None:
    """Write the wallets that are one with ACCOUNT, and the evidence, to standard output."""
    wallet = parse_account(account)
    terms = Terms(threshold=threshold, as_of_block=as_of_block)
    async with connect.current_graph(settings) as graph:
        found = await replays.replay(graph, wallet, terms, now=connect.now())
    if not found.complete:
        raise TooCostly(
            f"More evidence hangs together with {wallet} than the {replays.BUDGET:,} links that "
            "one question reads; `requestClusterReplay` takes it all."
        )
    click.echo(exported_replay(found, ExportFormat(format)), nl=False)


def _table(start: AccountId, links: tuple[EvidenceRow, ...]) -> Table:
    table = Table("from", "to", "because", "confidence", "block", "transaction", box=None)
    at = start
    for link in links:
        to = link.end if at == link.start else link.start
        block = "" if link.block_number is None else f"{link.block_number:,}"
        because = link.heuristic.replace("_", " ")
        table.add_row(at, to, because, f"{link.confidence:.2f}", block, link.transaction or "")
        at = to
    return table


def _of(run: RunRow | None) -> str:
    if run is None:
        return " (its chain was never clustered)"
    block = "" if run.block_number is None else f", block {run.block_number:,}"
    return f" (run {run.number}{block}, labels {run.labels})"


def _line(value: Any) -> None:
    click.echo(msgspec.json.encode(value).decode())
