"""Prices as a person meets them on the command line, and in the process that keeps up."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.events import ANY_CHAIN, Line
from graph_api.domain.ids import parse_token
from graph_api.live.streams import Streams
from graph_api.services import price_watch
from graph_api.settings import PriceSettings
from graph_api.store import prices
from graph_api.store.graph import Graph
from graph_api.vault.home import default_url
from graph_api.vault.vault import Vault
from ingest.jobs.markets import assets_of, exchanges_of
from tests import given
from tests.given import NOON, NOW, Ledger
from tests.ingest.jobs.hearing import heard
from tests.ingest.loading import Ended, command, ended
from tests.ingest.sources.prices.site import Site, bitstamp, served

HOUR = 3_600_000
#: What commands ask the graph is tried on both engines elsewhere; each process costs seconds.
EMBEDDED = pytest.mark.parametrize("graph_address", ["embedded"], indirect=True)


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A service and an exchange at one address, and settings that name both."""
    async with served() as found:
        monkeypatch.setenv("DESKGRAPH_PRICES__SERVICE", f"{found.url}/api/v3")
        monkeypatch.setenv("DESKGRAPH_PRICES__EXCHANGES", f"bitstamp={found.url}")
        monkeypatch.setenv("DESKGRAPH_PRICES__SERVICE_REQUESTS_PER_S", "100")
        found.answers["/api/v3/simple/price"] = {
            "ethereum": {"usd": 2_001, "last_updated_at": time.time()},
            "dai": {"usd": 0.999, "last_updated_at": time.time()},
        }
        found.answers["/api/v3/coins/ethereum/market_chart/range"] = {
            "prices": [[NOON - HOUR, 1999.5], [NOON + HOUR, 2_500]]
        }
        bitstamp(found, {"ETH/USD": "2002"}, at_s=round(time.time()))
        yield found


def lines(done: Ended) -> list[dict[str, object]]:
    """The JSON lines that a command printed."""
    return [msgspec.json.decode(line) for line in done.out.splitlines()]


@EMBEDDED
async def test_transfers_are_priced_and_prices_shown_by_command(
    graph: Graph, site: Site, tmp_path: Path
) -> None:
    async with Ledger.open(graph) as ledger:
        await ledger.write(given.transfer("alice", "desk", amount_raw=2 * 10**18))

    async def run(*arguments: str) -> Ended:
        return await ended(graph.address, tmp_path, *arguments)

    priced = await run("ingest", "prices", "--asset", "ETH")
    again, shown, early, listed, asked, pruned = await asyncio.gather(
        run("ingest", "prices", "--asset", "ETH", "--reprice", "--json"),
        run("prices", "show", "eth", "--at", "2023-11-14T22:20:00", "--json"),
        run("prices", "show", "eth", "--at", "2013-11-14"),
        run("prices", "list", "--json"),
        run("prices", "ask", "ETH", "dai"),
        run("prices", "prune", "--keep-days", "1", "--dry-run"),
    )

    assert priced.out == "1 transfers priced, 0 left; 1 prices fetched.\n"
    assert [(row["seen"], row["priced"]) for row in lines(again)] == [(1, 0)]
    (known,) = await prices.priced_tokens(graph)
    assert known.asset == "ethereum"
    (price,) = lines(shown)
    assert (price["usd"], price["source"]) == ("1999.5", "127.0.0.1:" + site.url.rpartition(":")[2])
    assert early.code == 2
    assert "deskgraph prices ask" in early.err
    assert [row["id"] for row in lines(listed)] == ["ethereum"]
    assert "2,002.00" in asked.out
    assert "0.999" in asked.out
    assert pruned.out == "0 prices would go; 0 stay as transfers are valued by them.\n"


@EMBEDDED
async def test_a_source_that_is_away_is_named_and_ends_with_an_error(
    graph: Graph, site: Site, tmp_path: Path
) -> None:
    async with Ledger.open(graph) as ledger:
        await ledger.write(given.transfer("alice", "desk"))
    # Whoever refuses us is not asked again in a moment: nothing is waited for.
    site.status = (401, {})

    done = await ended(graph.address, tmp_path, "ingest", "prices", "--asset", "ETH")

    assert done.code == 2
    assert done.out == "0 transfers priced, 1 left; 0 prices fetched.\n"
    assert "bitstamp: It refuses us" in done.err
    assert "run the same command again" in done.err


@EMBEDDED
async def test_the_process_that_keeps_up_tells_prices(
    graph: Graph, site: Site, streams: Streams, tmp_path: Path
) -> None:
    async with await Vault.open(default_url(tmp_path)) as vault:
        await vault.migrate(now=NOW)
    async with command(graph.address, tmp_path, "ingest", "work") as working:
        events = await heard(streams, Line.PRICES, 2, chain=ANY_CHAIN)
        await heard(streams, Line.PROVIDERS, 1, chain=ANY_CHAIN)
        watched = await price_watch.watched(graph, streams)
        working.send(signal.SIGTERM)
        assert (await working.ended()).code == 0

    told = {event.body["asset"]: event.body for event in events}
    assert told.keys() == {"dai", "ethereum"}
    # What an exchange trades at is newer than what a service lists.
    assert (told["ethereum"]["usd"], told["ethereum"]["source"]) == ("2002", "bitstamp")
    assert {row.id for row in watched.assets if row.at is not None} == {"dai", "ethereum"}
    assert watched.said_at is not None
    sources = {one.name: one for one in watched.sources}
    assert sources.keys() == {"bitstamp", "127.0.0.1:" + site.url.rpartition(":")[2]}
    assert all(one.answers and one.succeeded_at and not one.failures for one in sources.values())


def test_settings_name_assets_of_their_own_and_mirrors() -> None:
    maker = f"MKR listing=maker ethereum:{given.address('maker')}"
    found = assets_of(PriceSettings(assets={"my_maker": maker, "mine": "ETH2 ethereum"}))

    own = {asset.id: asset for asset in found}
    assert (own["my-maker"].symbol, own["my-maker"].listing) == ("MKR", "maker")
    assert own["mine"].tokens == (parse_token("ethereum"),)
    assert parse_token("ethereum") not in own["ethereum"].tokens
    with pytest.raises(BadInput, match="needs a symbol and a token"):
        assets_of(PriceSettings(assets={"x": "MKR"}))
    assert exchanges_of(PriceSettings(exchanges="Kraken, bitstamp=https://x.example")) == [
        ("kraken", None),
        ("bitstamp", "https://x.example"),
    ]
    with pytest.raises(BadInput, match="mirror of kraken"):
        exchanges_of(PriceSettings(exchanges="kraken=ftp://x"))
