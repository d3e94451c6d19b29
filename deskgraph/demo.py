"""``deskgraph demo``: a sample economy (or real files) in a graph of its own, served at once."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import click
import msgspec

from deskgraph import connect, registry, up
from deskgraph.sample import write_economy
from graph_api.domain.chains import CHAINS, Chain, chain_of
from graph_api.domain.errors import GraphApiError
from graph_api.domain.ids import ChainId
from graph_api.server.examples import EXAMPLES
from graph_api.services.clustering.due import outdated
from graph_api.services.clustering.runs import Clustering
from graph_api.settings import Settings
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from ingest.jobs.clusters import cluster_limits, facts_folder
from ingest.jobs.loading import Skipped, Step, load_paths
from ingest.sources.files.format import Options

SEED: Final = 7
_SLUGS: Final = {chain.slug: chain for chain in CHAINS}


class DemoFailed(GraphApiError):
    """``--check``: the demo does not answer as it should."""


async def demo(
    settings: Settings, *, data: Sequence[Path], chain: Chain, size: str, check: bool
) -> None:
    """Load, serve, say where; with ``check`` ask every example query once and stop."""
    # What assets cost is of no use to a made-up economy, and exchanges are left in peace.
    prices = settings.prices.model_copy(update={"every_s": 0.0})
    settings = settings.model_copy(update={"home": settings.home / "demo", "prices": prices})
    async with up.engines(settings) as (address, bus):
        await _load(settings, address, data=data, chain=chain, size=size)
        async with (
            up.ingest(settings, address, bus),
            up.api(settings, address, bus) as process,
        ):
            base = await up.announced(process)
            if check:
                await asyncio.to_thread(_ask_examples, base)
                click.echo("The demo answers.")
                return
            _say(base, address, settings)
            await up.until_stopped(process, workers=settings.http.workers)


async def _load(
    settings: Settings, address: GraphAddress, *, data: Sequence[Path], chain: Chain, size: str
) -> None:
    async with connect.opened(address, settings) as graph:
        if data:
            await _load_paths(graph, settings, data, chains=(chain,))
        else:
            folder = settings.home / f"sample-{size}"
            files = await asyncio.to_thread(write_economy, folder, seed=SEED, size=size)
            for name, paths in groupby(files, key=lambda path: path.parent.name):
                chains = (_SLUGS[name],) if name in _SLUGS else ()
                await _load_paths(graph, settings, list(paths), chains=chains)
        await _load_paths(graph, settings, registry.STARTERS, chains=())
        await _cluster(graph, settings)


async def _cluster(graph: Graph, settings: Settings) -> None:
    """Find who is one, so that there are clusters to look at from the first moment on."""
    limits = cluster_limits(settings)
    clustering = Clustering(
        graph, clock=connect.now, limits=limits, folder=facts_folder(settings.home)
    )
    everywhere = [ChainId(chain.id) for chain in CHAINS]
    for chain in await outdated(graph, everywhere, most_facts=limits.most_facts, now=connect.now()):
        run = await clustering.run(chain)
        name = chain_of(chain).name
        click.echo(f"  {name}: {run.clusters:,} clusters of {run.wallets:,} wallets")


async def _load_paths(
    graph: Graph, settings: Settings, paths: Sequence[Path], *, chains: tuple[Chain, ...]
) -> None:
    def report(step: Step) -> None:
        summary = step.summary
        if sys.stderr.isatty():
            name = Path(summary.source).name
            click.echo(f"\r  {name}: {summary.read:,} rows", nl=False, err=True)

    outcomes = load_paths(
        graph,
        paths,
        Options(chains=chains),
        clock=connect.now,
        rejects=settings.home / "rejects",
        report=report,
    )
    async for outcome in outcomes:
        if isinstance(outcome, Skipped):
            continue
        new = f"{outcome.written:,} new" if outcome.written else "there already"
        rejected = f", {outcome.rejected:,} rejected" if outcome.rejected else ""
        start = "\r" if sys.stderr.isatty() else ""
        name = Path(outcome.source).name
        click.echo(f"{start}  {name}: {outcome.read:,} rows, {new}{rejected}")


def _say(base: str, address: GraphAddress, settings: Settings) -> None:
    click.echo()
    click.echo("Open one of these:")
    click.echo(f"  {base}/graphql        GraphiQL in a browser, GraphQL for programs")
    click.echo(f"  {base}/health/ready   what runs")
    click.echo(f"  {address.url}    the graph itself over Bolt, database {address.database}")
    click.echo()
    click.echo("Paste one of these into GraphiQL:")
    for example in EXAMPLES[:3]:
        click.echo()
        click.echo(example.query.rstrip())
    click.echo()
    click.echo("Or ask the graph itself:")
    click.echo(
        f'  deskgraph --home {settings.home} cypher "MATCH (w:Wallet) RETURN w.chain, count(*)"'
    )
    click.echo("Ctrl-C stops it; the data stays.")


class _Answer(msgspec.Struct):
    data: dict[str, object] | None = None
    errors: list[dict[str, object]] | None = None


def _ask_examples(base: str) -> None:
    for example in EXAMPLES:
        body = {"query": example.query, "variables": json.loads(example.variables or "{}")}
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{base}/graphql",
            data=msgspec.json.encode(body),
            headers={"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer = msgspec.json.decode(response.read(), type=_Answer)
        if answer.errors or not answer.data or not all(answer.data.values()):
            raise DemoFailed(f"A query of the demo got {answer.errors or answer.data}.")
