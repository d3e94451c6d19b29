"""The API put together from settings: its graph, its vault, its bus, the schema and the checks."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from graph_api.domain.errors import BadInput
from graph_api.domain.principals import LOCAL
from graph_api.live.bus import Bus
from graph_api.live.hub import Hub
from graph_api.live.streams import Streams
from graph_api.schema.context import Context
from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.schema import build_schema
from graph_api.schema.status import Installation
from graph_api.server import (
    alert_figures,
    event_figures,
    inbox_figures,
    notice_figures,
    price_figures,
    scanner_figures,
)
from graph_api.server.app import create_app, schema_options
from graph_api.server.cached import Answers, opened_shelf
from graph_api.server.channels import Channels
from graph_api.server.examples import EXAMPLES
from graph_api.server.health import Health, ReadinessCheck
from graph_api.server.metrics import Metrics
from graph_api.server.shared_figures import SharedFigures
from graph_api.server.webhooks import webhook_route
from graph_api.services import alerts, events, inbox, notices, price_watch, scanning
from graph_api.services.alerts import AlertFigures, Policy
from graph_api.services.events import AlertLine, KeptPast, LaneFigures, Outbox
from graph_api.services.notices import DestinationFigures, Outlets
from graph_api.services.price_watch import Watched
from graph_api.services.scanning import Followed
from graph_api.services.telling import transfer_facts
from graph_api.settings import Settings
from graph_api.store import migrations
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from graph_api.vault.inbox import HookState
from graph_api.vault.sealing import seal_of
from graph_api.vault.vault import Vault


class House:
    """What one API process holds open while it serves."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        answers: Answers | None = None,
        channels: Channels | None = None,
    ) -> None:
        self._channels = channels or Channels()
        self._settings, self._clock, self._answers = settings, clock, answers
        self._graph: Graph | None = None
        self._vault: Vault | None = None
        self._bus: Bus | None = None
        self._outlets = Outlets()
        self._alert_policy = Policy(tolerance=timedelta(seconds=settings.prices.tolerance_s))
        self._installation = Installation(
            version=version("deskgraph"),
            limits=schema_options(settings)["limits"],
            checks=Health(self.checks).outcomes,
        )

    @asynccontextmanager
    async def open(self, _app: Starlette | None = None) -> AsyncIterator[None]:
        """Connect to everything; a graph or vault at another schema refuses the start."""
        settings = self._settings
        async with AsyncExitStack() as stack:
            self._graph = await Graph.open(
                graph_address(settings),
                pool_size=settings.neo4j.pool_size,
                query_timeout_s=settings.neo4j.query_timeout_s,
                reader=settings.neo4j.reader,
            )
            stack.push_async_callback(self._graph.close)
            await migrations.require_current(self._graph)
            self._vault = await stack.enter_async_context(await Vault.open(settings.vault_url))
            await self._vault.check()
            self._outlets = outlets_of(settings)
            if settings.redis.url is not None:
                self._bus = await Bus.connect(settings.redis.url.get_secret_value())
                stack.push_async_callback(self._bus.close)
                past = KeptPast(Outbox(self._graph), AlertLine(self._vault))
                facts = transfer_facts(
                    self._graph, clock=self._clock, tolerance_s=settings.prices.tolerance_s
                )
                self._channels.hub = Hub(Streams(self._bus), past=past, facts=facts)
                stack.push_async_callback(self._channels.close)
            if self._answers is not None:
                self._answers.shelf = await stack.enter_async_context(
                    opened_shelf(settings.cache, bus_url(settings))
                )
            yield

    async def context(self, _request: Request) -> Context:
        """What the resolvers of one request see."""
        assert self._graph is not None, "the application has not been started"
        assert self._vault is not None
        parts: tuple[object, ...] = (
            self._vault,
            self._installation,
            self._outlets,
            self._alert_policy,
        )
        if self._bus is not None:
            parts = (*parts, Streams(self._bus))
        return Context(graph=self._graph, clock=self._clock, parts=parts)

    def vault(self) -> Vault:
        """The open vault."""
        assert self._vault is not None, "the application has not been started"
        return self._vault

    def measure(self, metrics: Metrics) -> None:
        """Add what is known of the graph's readers, of following, webhooks and events."""
        metrics.counter(
            "deskgraph_graph_reads",
            "Reads of the graph by who asked; the reason says why it was the driver.",
            lambda: self._graph.reads().items() if self._graph else (),
            labels=("reader", "reason"),
        )
        metrics.counter(
            "deskgraph_graph_reads_repeated",
            "Reads that lost their connection and were asked again.",
            lambda: [((), self._graph.reads_repeated())] if self._graph else (),
        )
        for figures in self._shared_figures():
            metrics.show(figures)

    def _shared_figures(self) -> Iterator[SharedFigures[Any]]:
        clock = self._clock
        yield SharedFigures(
            "scanners", self._look_at_scanners, scanner_figures.families, clock=clock
        )
        yield SharedFigures("prices", self._look_at_prices, price_figures.families, clock=clock)
        yield SharedFigures("inbox", self._look_at_inbox, inbox_figures.families, clock=clock)
        yield SharedFigures("alerts", self._look_at_alerts, alert_figures.families, clock=clock)
        yield SharedFigures("notices", self._look_at_notices, notice_figures.families, clock=clock)
        if self._settings.redis.url is not None:
            yield SharedFigures("events", self._look_at_events, event_figures.families, clock=clock)

    async def _look_at_scanners(self) -> Sequence[Followed]:
        assert self._graph is not None
        return await scanning.followed(self._graph, Streams(self._bus) if self._bus else None)

    async def _look_at_prices(self) -> Sequence[Watched]:
        assert self._graph is not None
        streams = Streams(self._bus) if self._bus else None
        return [await price_watch.watched(self._graph, streams)]

    async def _look_at_inbox(self) -> Sequence[HookState]:
        return await inbox.hooks(self.vault(), principal=LOCAL)

    async def _look_at_alerts(self) -> Sequence[AlertFigures]:
        return await alerts.figures(self.vault(), principal=LOCAL)

    async def _look_at_notices(self) -> Sequence[DestinationFigures]:
        return await notices.figures(self.vault(), principal=LOCAL, now=self._clock())

    async def _look_at_events(self) -> Sequence[LaneFigures]:
        assert self._graph is not None
        assert self._bus is not None
        kept = (Outbox(self._graph), AlertLine(self.vault()))
        return await events.figures(kept, Streams(self._bus))

    @property
    def checks(self) -> tuple[ReadinessCheck, ...]:
        """What must work for requests to be sent here."""
        checks = [
            ReadinessCheck(
                name="graph",
                probe=self._ask_graph,
                remedy="Start the graph, or check DESKGRAPH_NEO4J__URL; `deskgraph doctor` tells.",
            ),
            ReadinessCheck(
                name="migrations",
                probe=self._ask_migrations,
                remedy="Run `deskgraph graph migrate`, or the version of deskgraph that wrote it.",
            ),
            ReadinessCheck(
                name="vault",
                probe=self._ask_vault,
                remedy="Check DESKGRAPH_VAULT__URL, or the data folder; `deskgraph doctor` tells.",
            ),
        ]
        if self._settings.redis.url is not None:
            checks.append(
                ReadinessCheck(
                    name="bus",
                    probe=self._ask_bus,
                    remedy="Start the bus, or check DESKGRAPH_REDIS__URL.",
                )
            )
        return tuple(checks)

    async def _ask_graph(self) -> None:
        assert self._graph is not None
        await self._graph.read_values("RETURN 1 AS one", {})

    async def _ask_migrations(self) -> None:
        assert self._graph is not None
        await migrations.require_current(self._graph)

    async def _ask_vault(self) -> None:
        assert self._vault is not None
        await self._vault.check()

    async def _ask_bus(self) -> None:
        assert self._bus is not None
        await self._bus.ping()


def outlets_of(settings: Settings) -> Outlets:
    """What this installation can send notices by. Raises: BadInput."""
    keys, given = settings.vault.keys, settings.notices
    return Outlets(
        seal=seal_of(
            keys.get_secret_value() if keys else None,
            home=settings.home,
            shared=settings.vault.shared,
        ),
        reach=given.reach,
        mail=given.smtp_url is not None,
        mail_domains=tuple(domain.lower() for domain in given.mail_domains),
    )


async def preflight(settings: Settings) -> None:
    """Open and close everything once, so that what is missing is told in a sentence.

    Raises: GraphApiError.
    """
    async with House(settings, clock=lambda: datetime.now(UTC)).open():
        pass


def application(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Starlette:
    """The API that ``settings`` describe; it connects when it is started."""
    schema = build_schema(**schema_options(settings))
    answers = Answers(_namespace(settings, schema)) if settings.cache.life_s else None
    channels = Channels()
    house = House(settings, clock=clock, answers=answers, channels=channels)
    return create_app(
        schema,
        settings=settings,
        context_getter=house.context,
        checks=house.checks,
        examples=EXAMPLES,
        routes=[webhook_route(settings.webhooks, vault=house.vault, clock=clock)],
        lifespan=house.open,
        measure=house.measure,
        answers=answers,
        channels=channels,
    )


def graph_address(settings: Settings) -> GraphAddress:
    """The graph's server. Raises: BadInput when settings name none."""
    address = settings.neo4j.address
    if address is None:
        raise BadInput(
            "The API needs a graph: set DESKGRAPH_NEO4J__URL, or run `deskgraph up`, which "
            "starts one."
        )
    return address


def bus_url(settings: Settings) -> str | None:
    """The bus, where settings name one."""
    return settings.redis.url.get_secret_value() if settings.redis.url is not None else None


def _namespace(settings: Settings, schema: GuardedSchema) -> bytes:
    """What tells the answers of installations apart that share a bus."""
    graph = settings.neo4j
    return repr((version("deskgraph"), graph.url, graph.database, schema.as_str())).encode()
