"""What assets cost and transfers were worth, asked by GraphQL."""

from datetime import timedelta
from decimal import Decimal

from graph_api.domain.prices import Price
from graph_api.store import prices
from graph_api.store.graph import Graph, Writing
from graph_api.store.records import moment
from tests import given
from tests.given import ETHER, NOON, NOW, Ledger
from tests.schema.asking import answer, ask
from tests.store.test_prices import COINS, HOUR, price, priced


async def told(graph: Graph) -> None:
    """A priced transfer, one without a price, and prices in time."""
    async with Ledger.open(graph) as ledger:
        await ledger.write(
            given.token("token 0", decimals=18),
            given.transfer("alice", "desk", tx="1", amount_raw=15 * 10**17),
            given.transfer("alice", "desk", tx="2", at=NOON - 1),
        )
    await prices.register(graph, [COINS])
    points = [price("2000.5", NOON), price("2100", NOON + HOUR, source="a+b")]
    await prices.keep(graph, points)
    await priced(graph, *points)
    now = Price(
        asset="coins",
        usd=Decimal("2222.000000000000000001"),
        at=round((NOW - timedelta(seconds=90)).timestamp() * 1000),
        source="a",
    )

    async def work(writing: Writing) -> None:
        await prices.tick(writing, [now], kept=[], now=NOW)

    await graph.write(work)


async def test_a_price_says_who_says_so_and_how_old_it_is(graph: Graph) -> None:
    await told(graph)
    found = await answer(
        graph,
        """query ($then: DateTime!, $before: DateTime!) {
          now: price(asset: "COIN") { assetId usd source ageS asset { symbol } }
          then: price(asset: "coins", at: $then) { usd source ageS at }
          before: price(asset: "coins", at: $before) { usd }
          prices { assetId usd }
          some: prices(assets: ["coins", "COIN"]) { usd }
        }""",
        then=moment(NOON + HOUR + 5_000).isoformat(),
        before=moment(NOON - 1).isoformat(),
    )

    assert found.errors == []
    exact = "2222.000000000000000001"
    assert found.data["now"] == {
        "assetId": "coins",
        "usd": exact,
        "source": "a",
        "ageS": 90.0,
        "asset": {"symbol": "COIN"},
    }
    then = found.data["then"]
    assert (then["usd"], then["source"], then["ageS"]) == ("2100", "a+b", 5.0)
    assert found.data["before"] is None
    assert found.data["prices"] == [{"assetId": "coins", "usd": exact}]
    assert found.data["some"] == [{"usd": exact}]


async def test_what_is_unknown_or_unpriced_is_null_and_left_out(graph: Graph) -> None:
    await prices.register(graph, [COINS])
    many = await answer(
        graph, "query ($a: [String!]) { prices(assets: $a) { usd } }", a=["c"] * 101
    )

    assert await ask(
        graph,
        """{
          unpriced: price(asset: "coins") { usd }
          unknown: price(asset: "nothing", at: "2024-01-01T00:00:00Z") { usd }
          prices(assets: ["coins", "nothing"]) { usd }
        }""",
    ) == {"unpriced": None, "unknown": None, "prices": []}
    assert many.codes == ["BAD_INPUT"]


async def test_transfers_tell_what_they_were_priced_by_in_one_statement_for_all(
    graph: Graph,
) -> None:
    await told(graph)
    found = await answer(
        graph,
        """query ($wallet: AccountId!) {
          transfers(wallet: $wallet) {
            nodes { usd value { usd at source } token { asset { assetId } } }
          }
        }""",
        wallet=given.wallet("alice"),
    )
    assert found.errors == []
    assert len(found.statements) == 4
    value = {"usd": 3000.75, "source": "a"}
    rows = found.data["transfers"]["nodes"]
    assert sorted((row["usd"] for row in rows), key=str) == [3000.75, None]
    (known,) = [row["value"] for row in rows if row["value"]]
    assert known.pop("at").startswith("2023-11-14T22:13:20")
    assert known == value
    assert [row["token"]["asset"] for row in rows] == [{"assetId": "coins"}] * 2


async def test_an_asset_names_the_tokens_that_stand_for_it(graph: Graph) -> None:
    await told(graph)
    found = await ask(graph, "{ assets { assetId usd usdSource tokens { tokenId symbol } } }")

    (asset,) = found["assets"]
    assert asset["usdSource"] == "a"
    assert [one["tokenId"] for one in asset["tokens"]] == sorted([ETHER, given.erc20("token 0")])
