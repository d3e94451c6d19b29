"""The commands of chains: ``follow``, ``backfill``, ``verify``, ``work`` and ``status``."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import click
import msgspec

from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import BadInput, GraphApiError
from graph_api.domain.ids import ChainId
from graph_api.live.bus import Bus
from graph_api.live.streams import Streams
from graph_api.settings import Settings
from graph_api.store import scanners
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from ingest.jobs import interrupts, scanning
from ingest.jobs.clusters import cluster_limits
from ingest.jobs.following import Follow, Following
from ingest.jobs.inbox_commands import opened_vault
from ingest.jobs.markets import watching
from ingest.jobs.marking import marking
from ingest.jobs.nodes import endpoint_settings, named, nodes
from ingest.jobs.noticing import notice_work
from ingest.jobs.streams import streams_if_any
from ingest.jobs.wallet_commands import wallet_work
from ingest.jobs.working import otc_rules, retention, telling, work
from ingest.pipelines.spanning import Fault, Filling, backfill, mend, verify

#: Opens the graph that settings speak of, at the schema that this program knows.
Door = Callable[[Settings], AbstractAsyncContextManager[Graph]]
#: Where the bus is that API processes listen to, if there is one.
BusOf = Callable[[Settings], str | None]

_NODE = click.option(
    "--node",
    "node",
    multiple=True,
    metavar="URL",
    help="Address of a node; may be given again. Its WebSocket's may follow it.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


class Unsound(GraphApiError):
    """The graph differs from its chain."""


def add_to(group: click.Group, door: Door, *, bus: BusOf) -> None:
    """Add the commands of chains to ``group``; ``bus`` is told of changes of the graph."""

    @group.command("follow")
    @click.argument("chain")
    @_NODE
    @click.option("--from", "start", type=click.IntRange(0), help="First block; else the head.")
    @click.option("--until", type=click.IntRange(0), help="Stop when this block is in the graph.")
    @click.option("--silent", is_flag=True, help="Announce nothing to subscribers.")
    @_JSON
    @click.pass_obj
    def follow_command(settings: Settings, /, **given: object) -> None:
        """Keep the graph at the head of CHAIN, through reorganisations and restarts.

        A chain that was followed before goes on where it stood.
        """
        interrupts.run(_follow(door, settings, _Follow(**given), bus=bus))  # type: ignore[arg-type]

    @group.command("backfill")
    @click.argument("chain")
    @_NODE
    @click.option("--from", "first", type=click.IntRange(0), required=True, help="First block.")
    @click.option("--to", "last", type=click.IntRange(0), required=True, help="Last block.")
    @click.option("--announce", is_flag=True, help="Tell subscribers and rules what is new.")
    @_JSON
    @click.pass_obj
    def backfill_command(settings: Settings, /, announce: bool, **given: object) -> None:
        """Load the blocks --from … --to of CHAIN; an interrupted one goes on where it stood."""
        span = _Span(**given)  # type: ignore[arg-type]
        interrupts.run(_backfill(door, settings, span, announce=announce, bus=bus))

    @group.command("verify")
    @click.argument("chain")
    @_NODE
    @click.option("--from", "first", type=click.IntRange(0), help="First block; else all.")
    @click.option("--to", "last", type=click.IntRange(0), help="Last block; else all.")
    @click.option("--repair", is_flag=True, help="Put right what differs.")
    @_JSON
    @click.pass_obj
    def verify_command(settings: Settings, /, repair: bool, **given: object) -> None:
        """Compare what the graph has of CHAIN with its nodes, block by block.

        The exit code is 1 when something differs and was not put right.
        """
        span = _Span(**given)  # type: ignore[arg-type]
        interrupts.run(_verify(door, settings, span, repair=repair, bus=bus))

    @group.command("work")
    @click.pass_obj
    def work_command(settings: Settings, /) -> None:
        """Follow the chains whose nodes are named, work off webhooks and wallets that are asked
        for, and publish events.

        DESKGRAPH_NODES__ETHEREUM names the nodes of Ethereum; DESKGRAPH_REDIS__URL the bus.
        """
        interrupts.serve(_work(door, settings))

    @group.command("status")
    @click.option("--watch", "--live", "watch", is_flag=True, help="Go on showing it.")
    @_JSON
    @click.pass_obj
    def status_command(settings: Settings, /, watch: bool, as_json: bool) -> None:
        """Where following stands: block, head, lag, rate, reorganisations, gaps, nodes, trouble.

        What followers say themselves (rate, nodes, trouble) is told where a bus is.
        """
        shown = scanning.show(door, settings, bus_url=bus(settings), watch=watch, as_json=as_json)
        interrupts.serve(shown)


class _Follow(msgspec.Struct, frozen=True, kw_only=True):
    chain: str
    node: tuple[str, ...]
    start: int | None
    until: int | None
    silent: bool
    as_json: bool


class _Span(msgspec.Struct, frozen=True, kw_only=True):
    chain: str
    node: tuple[str, ...]
    first: int | None
    last: int | None
    as_json: bool


def _now() -> datetime:
    return datetime.now(UTC)


async def _follow(door: Door, settings: Settings, given: _Follow, *, bus: BusOf) -> None:
    chain = chain_of(given.chain)
    addresses = named(chain, given.node, settings.nodes)
    async with (
        door(settings) as graph,
        nodes(graph, chain, addresses) as opened,
        marking(bus(settings)) as changed,
        streams_if_any(bus(settings)) as streams,
        telling(streams, chain, clock=_now) as announce,
    ):
        with scanning.live(chain, as_json=given.as_json) as show:

            def tell(following: Following) -> None:
                changed()
                announce(following)
                show(following)

            follow = Follow(
                graph,
                opened,
                clock=_now,
                tell=tell,
                rejects=settings.home / "rejects" / f"follow-{chain.slug}.jsonl",
                start=given.start,
                announce=not given.silent,
            )
            try:
                await follow.run(until=given.until)
            except GraphApiError as error:
                announce(follow.troubled(error))
                raise


async def _work(door: Door, settings: Settings) -> None:
    if settings.redis.url is None:
        raise BadInput("Publishing needs a bus: set DESKGRAPH_REDIS__URL, or use `deskgraph up`.")
    addresses = {name: one.get_secret_value() for name, one in settings.nodes.items()}
    for name, text in addresses.items():
        chain_of(name)
        endpoint_settings(text)
    url = settings.redis.url.get_secret_value()
    bus = await Bus.connect(url)
    try:
        async with (
            door(settings) as graph,
            opened_vault(settings) as vault,
            marking(url) as changed,
        ):
            await work(
                graph,
                vault,
                Streams(bus),
                addresses,
                clock=_now,
                home=settings.home,
                keep=retention(settings),
                bodies_kept=timedelta(hours=settings.webhooks.kept_h),
                changed=changed,
                wallets=wallet_work(settings),
                watch_prices=watching(graph, settings.prices, clock=_now),
                price_tolerance=timedelta(seconds=settings.prices.tolerance_s),
                otc=otc_rules(settings),
                notices=notice_work(settings),
                clusters=cluster_limits(settings),
                cluster_every=timedelta(seconds=settings.clusters.every_s),
            )
    finally:
        await bus.close()


async def _backfill(
    door: Door, settings: Settings, given: _Span, *, announce: bool, bus: BusOf
) -> None:
    chain = chain_of(given.chain)
    assert given.first is not None
    assert given.last is not None
    if given.last < given.first:
        raise BadInput(f"--to {given.last} is below --from {given.first}.")
    addresses = named(chain, given.node, settings.nodes)
    async with (
        door(settings) as graph,
        nodes(graph, chain, addresses) as opened,
        marking(bus(settings)) as changed,
    ):
        head = await opened.source.head()
        if given.last > head.number:
            raise BadInput(f"{chain.name} has {head.number} blocks so far; --to is above that.")
        turn = Turn(graph, clock=_now)
        try:
            with scanning.filling(chain, as_json=given.as_json) as show:

                def report(one: Filling) -> None:
                    changed()
                    show(one)

                done: Filling = await backfill(
                    graph,
                    turn,
                    opened.source,
                    first=given.first,
                    last=given.last,
                    announce=announce,
                    report=report,
                )
        finally:
            await turn.give_back()
    if given.as_json:
        click.echo(msgspec.json.encode(done))
    else:
        click.echo(f"Blocks {done.first} to {done.block} are loaded; {done.written} records new.")


async def _verify(
    door: Door, settings: Settings, given: _Span, *, repair: bool, bus: BusOf
) -> None:
    chain = chain_of(given.chain)
    addresses = named(chain, given.node, settings.nodes)
    async with (
        door(settings) as graph,
        nodes(graph, chain, addresses) as opened,
        marking(bus(settings) if repair else None),
    ):
        stretches = await _stretches(graph, chain, given)
        faults: list[Fault] = []
        for first, last in stretches:
            async for fault in verify(graph, opened.source, first=first, last=last):
                faults.append(fault)
                _tell(fault, as_json=given.as_json)
        if faults and repair:
            turn = Turn(graph, clock=_now)
            try:
                await mend(turn, opened.source, faults)
            finally:
                await turn.give_back()
    count = sum(last - first + 1 for first, last in stretches)
    verdict = "put right" if repair else "differ"
    click.echo(f"{count} blocks compared, {len(faults)} {verdict}.", err=given.as_json)
    if faults and not repair:
        raise Unsound("Run the same command with --repair to put right what differs.")


async def _stretches(graph: Graph, chain: Chain, given: _Span) -> list[tuple[int, int]]:
    """What to compare: what was asked for, or everything that was fetched and the gaps within."""
    scanner = await scanners.by_chain(graph, ChainId(chain.id))
    edges = list(scanner.ranges) if scanner else []
    first = given.first if given.first is not None else (edges[0] if edges else None)
    last = given.last if given.last is not None else (edges[-1] if edges else None)
    if first is None or last is None:
        raise BadInput(f"{chain.name} was never followed; say --from and --to.")
    if last < first:
        raise BadInput(f"--to {last} is below --from {first}.")
    return [(first, last)]


def _tell(fault: Fault, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(fault))
    else:
        click.echo(
            f"Block {fault.number} {fault.what}: {fault.missing} missing, {fault.extra} too many."
        )
