"""What all processes see alike, on the page for Prometheus: events, chains, webhooks, alerts."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.events import ANY_CHAIN, Lane, Line, LineState, News, Topic
from graph_api.domain.ids import ChainId
from graph_api.domain.webhooks import Sender
from graph_api.live.bus import Bus
from graph_api.live.streams import GroupState, Streams, StreamState
from graph_api.server import (
    event_figures,
    inbox_figures,
    notice_figures,
    price_figures,
    scanner_figures,
)
from graph_api.server.main import application
from graph_api.server.shared_figures import SharedFigures
from graph_api.services.events import LaneFigures
from graph_api.services.price_watch import SourceState, Watched
from graph_api.services.scanning import Endpoint, Followed, Said, Trouble
from graph_api.settings import Neo4jSettings, RedisSettings, Settings
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.prices import AssetRow
from graph_api.store.scanners import Scanner
from graph_api.vault.inbox import HookState
from graph_api.vault.vault import Vault
from ingest.pipelines.following import Follower
from tests.given import ETHEREUM, NOW
from tests.ingest.chains import FIRST, GivenChain
from tests.server.noticed import NOTICED

ALERTS = Path(__file__).parents[2] / "docs" / "alerts.yml"
SEEN = Lane(Line.TRANSFERS, "eip155:1")
PROGRESS = Lane(Line.PROGRESS, ANY_CHAIN)
FOUND = [
    LaneFigures(
        lane=SEEN,
        kept=LineState(line=SEEN.line, chain=SEEN.chain, epoch="a", first=11, last=110),
        stream=StreamState(lane=SEEN, epoch="a", first=51, last=100, length=50),
        waiting=10,
        waiting_since=NOW - timedelta(seconds=7),
        oldest_at=NOW - timedelta(hours=1),
        publisher=None,
        groups=(GroupState(name="rules", consumers=1, pending=2, done=93, dead=1),),
    ),
    LaneFigures(
        lane=PROGRESS,
        kept=None,
        stream=StreamState(lane=PROGRESS, epoch="b", first=1, last=3, length=3),
        waiting=0,
        waiting_since=None,
        oldest_at=None,
        publisher=None,
        groups=(),
    ),
]


CHAIN = ChainId("eip155:1")
FOLLOWED = [
    Followed(
        chain=CHAIN,
        scanner=Scanner(
            chain=CHAIN,
            block=100,
            hash="0x01",
            final=40,
            head=103,
            reorgs=2,
            deepest=5,
            ranges=(1, 10, 21, 30, 41, 100),
            started_at=NOW - timedelta(days=1),
            updated_at=NOW - timedelta(seconds=4),
        ),
        block_time=NOW - timedelta(seconds=36),
        said=Said(
            at=NOW - timedelta(seconds=3),
            blocks_per_s=0.5,
            records_per_s=80.0,
            rejected=7,
            last_trouble=Trouble(error="The node is away.", at=NOW - timedelta(seconds=90)),
        ),
        endpoints=(
            Endpoint(name="one", state="healthy", answers=9, latency_ms=20.0, head=103),
            Endpoint(name="two", state="quarantined", faults=1),
        ),
    ),
    Followed(
        chain=ChainId("eip155:56"),
        scanner=None,
        block_time=None,
        said=Said(at=NOW, trouble=Trouble(error="Nobody answers.", at=NOW)),
        endpoints=(),
    ),
]
HOOKS = [
    HookState(
        sender=Sender.MORALIS,
        hook="main",
        waiting=3,
        dead=2,
        oldest_at=NOW - timedelta(seconds=12),
    ),
    HookState(sender=Sender.HELIUS, hook="main", waiting=0, dead=0, oldest_at=None),
]


def asset(name: str, age: timedelta | None) -> AssetRow:
    at = None if age is None else NOW - age
    return AssetRow(id=name, symbol=name.upper(), usd=None, source=None, at=at)


PRICES = [
    Watched(
        assets=(asset("ether", timedelta(seconds=30)), asset("dai", None)),
        sources=(
            SourceState(
                name="one",
                answers=5,
                refused=2,
                succeeded_at=round((NOW - timedelta(seconds=20)).timestamp() * 1000),
            ),
            SourceState(name="two", failures=5),
        ),
        said_at=NOW - timedelta(seconds=20),
    )
]


def events_of(found: Sequence[LaneFigures]) -> SharedFigures[LaneFigures]:
    return SharedFigures("events", given(found), event_figures.families, clock=lambda: NOW)


def scanners_of(found: Sequence[Followed]) -> SharedFigures[Followed]:
    return SharedFigures("scanners", given(found), scanner_figures.families, clock=lambda: NOW)


def prices_of(found: Sequence[Watched]) -> SharedFigures[Watched]:
    return SharedFigures("prices", given(found), price_figures.families, clock=lambda: NOW)


def inbox_of(found: Sequence[HookState]) -> SharedFigures[HookState]:
    return SharedFigures("inbox", given(found), inbox_figures.families, clock=lambda: NOW)


def given(found: Sequence[Any]) -> Any:
    async def look() -> Sequence[Any]:
        return found

    return look


async def page(figures: SharedFigures[Any]) -> set[str]:
    registry = CollectorRegistry()
    registry.register(figures)
    await figures.refresh()
    text = generate_latest(registry).decode()
    return {line for line in text.splitlines() if not line.startswith("#")}


async def test_every_lane_is_told_by_what_is_known_of_it() -> None:
    lane = '{chain="eip155:1",line="transfers"}'
    assert await page(events_of(FOUND)) == {
        "deskgraph_events_known 1.0",
        f"deskgraph_stream_events{lane} 50.0",
        'deskgraph_stream_events{chain="*",line="progress"} 3.0',
        f"deskgraph_stream_lag_events{lane} 10.0",
        f"deskgraph_stream_lag_seconds{lane} 7.0",
        f"deskgraph_outbox_events{lane} 100.0",
        f"deskgraph_outbox_oldest_seconds{lane} 3600.0",
        'deskgraph_group_lag_events{chain="eip155:1",group="rules",line="transfers"} 7.0',
        'deskgraph_group_dead_events{chain="eip155:1",group="rules",line="transfers"} 1.0',
    }


async def test_every_chain_is_told_by_what_graph_and_follower_know_of_it() -> None:
    chain, one, two = (
        '{chain="eip155:1"}',
        'chain="eip155:1",node="one"',
        'chain="eip155:1",node="two"',
    )
    dark = '{chain="eip155:56"}'
    assert await page(scanners_of(FOLLOWED)) == {
        "deskgraph_scanners_known 1.0",
        f"deskgraph_scanner_block{chain} 100.0",
        f"deskgraph_scanner_head{chain} 103.0",
        f"deskgraph_scanner_final{chain} 40.0",
        f"deskgraph_scanner_lag_blocks{chain} 3.0",
        f"deskgraph_scanner_lag_seconds{chain} 36.0",
        f"deskgraph_scanner_written_seconds{chain} 4.0",
        f"deskgraph_scanner_reorgs_total{chain} 2.0",
        f"deskgraph_scanner_deepest_reorg_blocks{chain} 5.0",
        f"deskgraph_scanner_gaps{chain} 2.0",
        f"deskgraph_scanner_gap_blocks{chain} 20.0",
        f"deskgraph_scanner_told_seconds{chain} 3.0",
        f"deskgraph_scanner_told_seconds{dark} 0.0",
        f"deskgraph_scanner_blocks_per_second{chain} 0.5",
        f"deskgraph_scanner_blocks_per_second{dark} 0.0",
        f"deskgraph_scanner_records_per_second{chain} 80.0",
        f"deskgraph_scanner_records_per_second{dark} 0.0",
        f"deskgraph_scanner_rejected_total{chain} 7.0",
        f"deskgraph_scanner_rejected_total{dark} 0.0",
        f"deskgraph_scanner_troubled{chain} 0.0",
        f"deskgraph_scanner_troubled{dark} 1.0",
        f"deskgraph_scanner_last_trouble_seconds{chain} 90.0",
        'deskgraph_scanner_nodes{chain="eip155:1",state="healthy"} 1.0',
        'deskgraph_scanner_nodes{chain="eip155:1",state="resting"} 0.0',
        'deskgraph_scanner_nodes{chain="eip155:1",state="quarantined"} 1.0',
        f"deskgraph_node_healthy{{{one}}} 1.0",
        f"deskgraph_node_healthy{{{two}}} 0.0",
        f"deskgraph_node_head{{{one}}} 103.0",
        f"deskgraph_node_latency_seconds{{{one}}} 0.02",
        f"deskgraph_node_answers_total{{{one}}} 9.0",
        f"deskgraph_node_answers_total{{{two}}} 0.0",
        f"deskgraph_node_faults_total{{{one}}} 0.0",
        f"deskgraph_node_faults_total{{{two}}} 1.0",
    }


async def test_prices_are_told_by_their_sources_and_their_age() -> None:
    one, two = '{source="one"}', '{source="two"}'
    assert await page(prices_of(PRICES)) == {
        "deskgraph_prices_known 1.0",
        "deskgraph_price_told_seconds 20.0",
        f"deskgraph_price_source_success_seconds{one} 20.0",
        f"deskgraph_price_source_answers_total{one} 5.0",
        f"deskgraph_price_source_answers_total{two} 0.0",
        f"deskgraph_price_source_failures_total{one} 0.0",
        f"deskgraph_price_source_failures_total{two} 5.0",
        f"deskgraph_price_source_refused_total{one} 2.0",
        f"deskgraph_price_source_refused_total{two} 0.0",
        'deskgraph_price_age_seconds{asset="ether"} 30.0',
        'deskgraph_price_assets{priced="true"} 1.0',
        'deskgraph_price_assets{priced="false"} 1.0',
    }


async def test_only_so_many_assets_have_a_figure_of_their_own() -> None:
    many = [asset(f"asset-{n}", timedelta(seconds=n)) for n in range(price_figures.MOST_ASSETS + 9)]

    lines = await page(prices_of([Watched(assets=tuple(many))]))

    told = [line for line in lines if line.startswith("deskgraph_price_age_seconds{")]
    assert len(told) == price_figures.MOST_ASSETS
    # Those of which nobody knows any more go first.
    assert not any(f'"asset-{price_figures.MOST_ASSETS}"' in line for line in told)


async def test_every_hook_is_told_by_what_waits_and_what_is_dead() -> None:
    moralis, helius = '{hook="main",sender="moralis"}', '{hook="main",sender="helius"}'
    assert await page(inbox_of(HOOKS)) == {
        "deskgraph_inbox_known 1.0",
        f"deskgraph_inbox_waiting_calls{moralis} 3.0",
        f"deskgraph_inbox_waiting_calls{helius} 0.0",
        f"deskgraph_inbox_waiting_seconds{moralis} 12.0",
        f"deskgraph_inbox_waiting_seconds{helius} 0.0",
        f"deskgraph_inbox_dead_letters{moralis} 2.0",
        f"deskgraph_inbox_dead_letters{helius} 0.0",
    }


async def test_a_bus_that_does_not_answer_is_a_figure_and_no_error() -> None:
    asked = 0

    async def look() -> Sequence[LaneFigures]:
        nonlocal asked
        asked += 1
        raise UpstreamUnavailable("The bus", retry_after_s=5)

    figures = SharedFigures("events", look, event_figures.families, clock=lambda: NOW)

    assert await page(figures) == {"deskgraph_events_known 0.0"}
    assert await page(figures) == {"deskgraph_events_known 0.0"}
    assert asked == 1, "whoever asks often does not make us ask as often"


async def test_a_store_that_hangs_does_not_hold_the_page() -> None:
    async def look() -> Sequence[HookState]:
        await asyncio.Event().wait()
        raise AssertionError("nobody wakes it")

    figures = SharedFigures(
        "inbox", look, inbox_figures.families, clock=lambda: NOW, patience_s=0.01
    )

    assert await page(figures) == {"deskgraph_inbox_known 0.0"}


async def test_alerts_speak_of_figures_and_labels_that_the_page_has() -> None:
    registry = CollectorRegistry()
    noticed = SharedFigures("notices", given(NOTICED), notice_figures.families, clock=lambda: NOW)
    told = (events_of(FOUND), scanners_of(FOLLOWED), prices_of(PRICES), inbox_of(HOOKS), noticed)
    for figures in told:
        registry.register(figures)
        await figures.refresh()
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names) == 20
    for rule in rules:
        assert {*rule, "for"} == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        used = re.findall(r"(deskgraph_\w+)(?:\{([^}]*)\})?", rule["expr"])
        assert used, rule["alert"]
        spoken = re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        for name, matchers in used:
            assert name in labels, f"{rule['alert']}: the page has no {name}"
            wanted = {*re.findall(r"(\w+)\s*[=!]~?", matchers), *spoken}
            assert wanted <= labels[name], f"{rule['alert']}: {name} has no {wanted}"


WORKER = """
import asyncio, sys
from pathlib import Path
from graph_api.server.counting import SharedCounts
SharedCounts(Path(sys.argv[1])).join(int(sys.argv[2]))
from graph_api.schema.caching import Documents
from graph_api.schema.limits import DocumentLimits
from graph_api.server.metrics import Metrics
from tests.server.test_figures import HOOKS, inbox_of
metrics = Metrics(Documents(DocumentLimits(), cache_size=1), executions={})
metrics.show(inbox_of(HOOKS))
metrics.answered("/graphql", 200, 0.1)
print(asyncio.run(metrics.page(None)).body.decode())
"""


def test_workers_do_not_add_up_what_all_of_them_see(tmp_path: Path) -> None:
    for worker in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", WORKER, str(tmp_path), worker],
            capture_output=True,
            text=True,
            check=True,
            cwd=ALERTS.parents[1],
        )
    lines = ran.stdout.splitlines()

    assert 'deskgraph_requests_total{route="/graphql",status="200"} 2.0' in lines
    waiting = [line for line in lines if line.startswith("deskgraph_inbox_waiting_calls{")]
    assert sorted(waiting) == [
        'deskgraph_inbox_waiting_calls{hook="main",sender="helius"} 0.0',
        'deskgraph_inbox_waiting_calls{hook="main",sender="moralis"} 3.0',
    ]


async def test_the_page_of_an_installation_has_chains_events_and_webhooks(
    graph: Graph, redis_url: str, tmp_path: Path
) -> None:
    address = graph.address
    settings = Settings(
        home=tmp_path,
        neo4j=Neo4jSettings(
            url=address.url,
            user=address.user,
            password=SecretStr(address.password),
            database=address.database,
        ),
        redis=RedisSettings(url=SecretStr(redis_url)),
    )
    async with await Vault.open(settings.vault_url) as vault:
        await vault.migrate(now=NOW)
    bus = await Bus.connect(redis_url)
    async with bus.speaking() as client:
        await client.flushall()
    chain = GivenChain(ETHEREUM, seed=1)
    chain.grow(3)
    turn = Turn(graph, clock=lambda: NOW)
    await Follower(graph, turn, chain, start=FIRST).run(until=chain.height)
    await turn.give_back()
    told = News(topic=Topic.INGEST_PROGRESS, body={"blocks_per_s": 1.5})
    # The node of this chain never answered, so the graph has nothing of it.
    for id_ in (ETHEREUM.id, "eip155:56"):
        await Streams(bus).tell(id_, [told], now=NOW, epoch="one")
    await bus.close()

    app = application(settings, clock=lambda: NOW)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client_,
    ):
        lines = (await client_.get("/metrics")).text.splitlines()

    for known in ("scanners", "prices", "inbox", "events"):
        assert f"deskgraph_{known}_known 1.0" in lines
    assert f'deskgraph_scanner_block{{chain="{ETHEREUM.id}"}} {float(chain.height)}' in lines
    assert 'deskgraph_scanner_blocks_per_second{chain="eip155:56"} 1.5' in lines
    assert 'deskgraph_stream_events{chain="eip155:56",line="progress"} 1.0' in lines
    (age,) = [line for line in lines if line.startswith("deskgraph_scanner_lag_seconds{")]
    assert float(age.rpartition(" ")[2]) >= 0
