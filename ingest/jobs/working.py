"""The process that keeps up: follows chains, writes what webhooks told and what was asked for of
wallets, publishes events, detects OTC in them, and judges them by alert rules.

Each part goes on when another one fails; what stops a chain for good is told, and stops it alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import GraphApiError
from graph_api.domain.events import News, Topic
from graph_api.domain.ids import ChainId
from graph_api.domain.otc import Rules
from graph_api.live.streams import Retention, Streams
from graph_api.services import price_watch
from graph_api.services.alerting import PRICE_TOLERANCE, Judge
from graph_api.services.clustering.runs import Limits
from graph_api.services.events import AlertLine, KeptPast, Outbox
from graph_api.services.price_watch import SourceState
from graph_api.settings import Settings
from graph_api.store.graph import Graph
from graph_api.store.outbox import new_epoch
from graph_api.vault.vault import Vault
from ingest.jobs.clusters import cluster_worker, facts_folder, keep_clustered
from ingest.jobs.following import Follow, Following
from ingest.jobs.lists import list_worker
from ingest.jobs.nodes import nodes
from ingest.jobs.noticing import NoticeWork, destination_test_worker
from ingest.jobs.replays import replay_workers
from ingest.jobs.traces import trace_workers
from ingest.jobs.wallets import WalletWork
from ingest.jobs.workers import Bell
from ingest.pipelines import inbox
from ingest.pipelines.detecting import Detector
from ingest.pipelines.judging import JudgingWork
from ingest.pipelines.publishing import Keep, Publisher
from ingest.pipelines.ticking import Tell

#: How often subscribers hear how following goes, however fast it goes.
_TELL_EVERY: Final = timedelta(seconds=1)

#: Goes on for ever, calls the first after each change of the graph, and tells the second how the
#: sources of prices do.
WatchPrices = Callable[[Callable[[], None], Tell], Coroutine[Any, Any, None]]

log: Final = structlog.get_logger("deskgraph.ingest")


async def work(
    graph: Graph,
    vault: Vault,
    streams: Streams,
    addresses: Mapping[str, str],
    *,
    clock: Callable[[], datetime],
    home: Path,
    keep: Keep | None = None,
    bodies_kept: timedelta = inbox.KEPT,
    changed: Callable[[], None] = lambda: None,
    wallets: WalletWork | None = None,
    watch_prices: WatchPrices | None = None,
    price_tolerance: timedelta = PRICE_TOLERANCE,
    otc: Rules | None = None,
    notices: NoticeWork | None = None,
    clusters: Limits | None = None,
    cluster_every: timedelta | None = None,
) -> None:
    """Follow the chains of ``addresses`` (by slug), write what webhooks told, and publish events.

    OTC is detected by the rules ``otc``, and alert rules judge what is published, by prices that
    are no older than ``price_tolerance``.
    ``wallets`` says how those are read that are asked for, ``notices`` how alerts go out, and
    ``clusters`` what merges wallets; a chain that has news is clustered ``cluster_every`` so often,
    or when somebody asks.
    ``watch_prices`` runs beside. It goes on for ever. ``changed`` is called after each change of
    the graph.
    """
    outbox, alert_line = Outbox(graph), AlertLine(vault)
    publisher = Publisher(outbox, streams, clock=clock, keep=keep)
    alerts = Publisher(alert_line, streams, clock=clock, keep=keep)
    noticer = None
    if notices is not None:
        noticer = notices.noticer(vault, clock=clock)

    def raised() -> None:
        alerts.wake()
        if noticer is not None:
            noticer.wake()

    judging = JudgingWork(
        Judge(graph, vault, clock=clock, tolerance=price_tolerance),
        vault,
        streams,
        past=KeptPast(outbox),
        clock=clock,
        raised=raised,
    )

    detector = Detector(
        graph, otc or Rules(), clock=clock, tolerance=price_tolerance, changed=publisher.wake
    )

    def wake() -> None:
        changed()
        publisher.wake()
        detector.wake()

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        for one in (publisher, alerts):
            stack.push_async_callback(_leave, one)
            tasks.create_task(one.run())
        tasks.create_task(detector.run())
        tasks.create_task(judging.run())
        if noticer is not None:
            tasks.create_task(noticer.run())
            tester = destination_test_worker(
                noticer, vault, clock=clock, ring=Bell(streams, clock=clock)
            )
            tasks.create_task(tester.run())
        clusterer = cluster_worker(
            graph,
            vault,
            clock=clock,
            ring=Bell(streams, clock=clock),
            changed=changed,
            limits=clusters,
            folder=facts_folder(home),
        )
        tasks.create_task(clusterer.run())
        if cluster_every:
            followed = [ChainId(chain_of(name).id) for name in addresses]
            tasks.create_task(
                keep_clustered(
                    graph, vault, followed, clock=clock, every=cluster_every, limits=clusters
                )
            )
        for kinds in (trace_workers, replay_workers):
            for answering in kinds(graph, vault, clock=clock, ring=Bell(streams, clock=clock)):
                tasks.create_task(answering.run())
        tasks.create_task(
            inbox.work(
                graph,
                vault,
                clock=clock,
                kept=bodies_kept,
                rejects=home / "rejects",
                report=lambda _: wake(),
            )
        )
        lists = list_worker(graph, vault, clock=clock, ring=Bell(streams, clock=clock))
        tasks.create_task(lists.run())
        if wallets is not None:
            for worker in wallets.workers(
                graph, vault, clock=clock, ring=Bell(streams, clock=clock), changed=wake
            ):
                tasks.create_task(worker.run())
        if watch_prices is not None:
            tasks.create_task(watch_prices(wake, _teller_of_sources(streams, clock)))
        for name, text in addresses.items():
            chain = chain_of(name)
            teller = Teller(streams, chain, clock=clock, wake=wake)
            tasks.create_task(_follow(graph, chain, text, teller=teller, clock=clock, home=home))


def otc_rules(settings: Settings) -> Rules:
    """When a transfer is large, as the settings say."""
    otc = settings.otc
    return Rules(
        floor_usd=otc.floor_usd, one_in=otc.one_in, days=otc.days, least=otc.least_transfers
    )


def retention(settings: Settings) -> Keep:
    """How much of the events the settings say to keep."""
    events = settings.events
    return Keep(
        stream=Retention(count=events.stream_count, age=timedelta(hours=events.stream_age_h)),
        outbox=Retention(count=events.outbox_count, age=timedelta(hours=events.outbox_age_h)),
    )


def _teller_of_sources(streams: Streams, clock: Callable[[], datetime]) -> Tell:
    """Tells how the sources of prices do; a bus that is away hears it the next time."""
    epoch = new_epoch()

    async def tell(sources: Sequence[SourceState]) -> None:
        with suppress(GraphApiError):
            await price_watch.tell(streams, sources, now=clock(), epoch=epoch)

    return tell


async def _leave(publisher: Publisher) -> None:
    with suppress(GraphApiError):
        await publisher.leave()


async def _follow(
    graph: Graph,
    chain: Chain,
    addresses: str,
    *,
    teller: "Teller",
    clock: Callable[[], datetime],
    home: Path,
) -> None:
    telling = asyncio.create_task(teller.run())
    try:
        async with nodes(graph, chain, addresses) as opened:
            follow = Follow(
                graph,
                opened,
                clock=clock,
                tell=teller.tell,
                rejects=home / "rejects" / f"follow-{chain.slug}.jsonl",
            )
            try:
                await follow.run()
            except GraphApiError as error:
                await log.aerror("following stopped", chain=chain.slug, error=str(error))
                teller.tell(follow.troubled(error))
                await teller.flush()
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


class Teller:
    """Tells subscribers how following one chain goes, the newest state and not too often."""

    def __init__(
        self,
        streams: Streams,
        chain: Chain,
        *,
        clock: Callable[[], datetime],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._streams, self._chain, self._clock, self._wake = streams, chain, clock, wake
        self._epoch = new_epoch()
        self._newest: Following | None = None
        self._changed = asyncio.Event()

    def tell(self, following: Following) -> None:
        """Remember how it goes; what was announced is published at once."""
        self._newest = following
        self._changed.set()
        self._wake()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self._changed.wait()
            await self.flush()
            await asyncio.sleep(_TELL_EVERY.total_seconds())

    async def flush(self) -> None:
        """Tell the newest state. A bus that is away hears the next one."""
        self._changed.clear()
        if self._newest is None:
            return
        told, now = self._newest, self._clock()
        body = msgspec.to_builtins(told) | {"lag": told.lag}
        endpoints = body.pop("endpoints")
        progress = News(topic=Topic.INGEST_PROGRESS, body=body)
        status = News(topic=Topic.PROVIDER_STATUS, body={"endpoints": endpoints})
        with suppress(GraphApiError):
            for one in (progress, status):
                await self._streams.tell(self._chain.id, [one], now=now, epoch=self._epoch)


@asynccontextmanager
async def telling(
    streams: Streams | None, chain: Chain, *, clock: Callable[[], datetime]
) -> AsyncIterator[Callable[[Following], None]]:
    """What to call with how following goes; the last word is told before the block ends."""
    if streams is None:
        yield lambda following: None
        return
    teller = Teller(streams, chain, clock=clock)
    running = asyncio.create_task(teller.run())
    try:
        yield teller.tell
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await teller.flush()
