"""Lists: filters, orders, cursors that stay true while rows are added, and what is refused."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as generated
from hypothesis import strategies as st

from graph_api.domain.ids import ChainId, TokenId
from graph_api.domain.records import Token, WalletFact, WalletKind
from graph_api.services import balances
from graph_api.store import streams
from graph_api.store.graph import Graph
from tests import given
from tests.conftest import empty
from tests.given import DAY, NOON, Ledger, address, erc20, wallet
from tests.schema.asking import answer, ask

PEOPLE = [f"person{number}" for number in range(30)]


@pytest.fixture
async def street(ledger: Ledger) -> Graph:
    """Thirty people, each of whom pays the next one a day later; every third is a contract."""
    await ledger.write(
        *(
            given.transfer(
                PEOPLE[number],
                PEOPLE[number + 1],
                tx=f"t{number}",
                block=100 + number,
                at=NOON + number * DAY,
            )
            for number in range(29)
        ),
        given.transfer("whale", "whale", tx="self", block=500, at=NOON + 40 * DAY),
        *(WalletFact(id=wallet(name), kind=WalletKind.CONTRACT) for name in PEOPLE[::3]),
        WalletFact(id=wallet("silent"), kind=WalletKind.EOA),
    )
    return ledger.graph


async def all_of(
    graph: Graph, field: str, *, size: int, backward: bool = False, want: str = "accountId"
) -> list[Any]:
    """The values of all rows of a list, page by page."""
    found: list[Any] = []
    place = ""
    while True:
        window = f"last: {size}" if backward else f"first: {size}"
        if place:
            window += f', {"before" if backward else "after"}: "{place}"'
        data = await ask(
            graph,
            "{ list: " + field.replace("PAGE", window) + " { nodes { " + want + " } pageInfo { "
            "hasNextPage hasPreviousPage startCursor endCursor stopped } } }",
        )
        page = data["list"]
        part = [node[want] for node in page["nodes"]]
        found = part + found if backward else found + part
        info = page["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found
        place = info["startCursor" if backward else "endCursor"]


@pytest.mark.parametrize("backward", [False, True])
async def test_wallets_by_id(street: Graph, backward: bool) -> None:
    everybody = sorted(wallet(name) for name in [*PEOPLE, "whale", "silent"])

    assert await all_of(street, "wallets(PAGE)", size=7, backward=backward) == everybody
    contracts = await all_of(
        street,
        'wallets(PAGE, filter: {chain: "ethereum", kind: CONTRACT})',
        size=3,
        backward=backward,
    )
    assert contracts == sorted(wallet(name) for name in PEOPLE[::3])
    assert await all_of(street, 'wallets(PAGE, filter: {chain: "bsc"})', size=3) == []


@pytest.mark.parametrize("backward", [False, True])
async def test_wallets_by_newest_activity_stand_there_once(street: Graph, backward: bool) -> None:
    field = 'wallets(PAGE, order: NEWEST_ACTIVITY, filter: {chain: "eth"FILTER})'
    newest_first = ["whale", PEOPLE[28], PEOPLE[29], *reversed(PEOPLE[:28])]

    for size in (1, 4, 50):
        found = await all_of(street, field.replace("FILTER", ""), size=size, backward=backward)
        assert found == [wallet(name) for name in newest_first]
    late = await all_of(
        street,
        field.replace("FILTER", ', activeSince: "2023-12-10T00:00:00Z", kind: CONTRACT'),
        size=2,
        backward=backward,
    )
    assert late == [wallet("person27")]


async def test_a_bounded_search_says_where_it_stopped(
    street: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_ROUNDS", (3, 4))
    field = f'transfers(wallet: "{wallet("person5")}", PAGE, filter: {{minAmountRaw: "9"}})'
    chain = f'transfers(chain: "eth", PAGE, filter: {{counterparty: "{wallet("person5")}"}})'
    data = await ask(
        street,
        "{ list: " + chain.replace("PAGE", "first: 5") + " { nodes { blockNumber } pageInfo { "
        "stopped hasNextPage endCursor } } }",
    )

    assert data["list"]["nodes"] == []
    assert data["list"]["pageInfo"]["stopped"] is True
    assert data["list"]["pageInfo"]["hasNextPage"] is True
    for backward in (False, True):
        assert await all_of(street, chain, size=5, want="blockNumber", backward=backward) == [
            105,
            104,
        ]
        assert await all_of(street, field, size=1, want="blockNumber", backward=backward) == [
            105,
            104,
        ]


async def test_amounts_are_compared_exactly(ledger: Ledger, graph: Graph) -> None:
    usd = erc20("USD")
    huge = 2**80
    await ledger.write(
        given.token("USD", decimals=6),
        *(
            given.transfer("a", "b", log=number, token=usd, amount_raw=amount)
            for number, amount in enumerate([huge - 1, huge, huge + 1, 1_500_000, 1_500_001, 9])
        ),
    )

    async def raws(conditions: str) -> set[int]:
        field = f'transfers(PAGE, filter: {{token: "{usd}", {conditions}}})'
        return {int(raw) for raw in await all_of(graph, field, size=10, want="amountRaw")}

    assert await raws(f'minAmountRaw: "{huge}"') == {huge, huge + 1}
    assert await raws(f'minAmountRaw: "{huge}", maxAmountRaw: "{huge}"') == {huge}
    assert await raws('minAmount: "1.5", maxAmount: "1.5000009"') == {1_500_000}
    assert await raws('maxAmount: "0.0000091"') == {9}
    assert await raws('minAmount: "1.5000001", maxAmount: "2"') == {1_500_001}


async def test_tokens_by_symbol_and_by_use(ledger: Ledger, graph: Graph) -> None:
    bsc = ChainId("eip155:56")
    fake = Token(id=TokenId(f"{bsc}/erc20:{address('F')}"), chain=bsc, address=address("F"))
    await ledger.write(
        given.token("A", symbol="USDT"),
        given.token("B", symbol="USDT"),
        given.token("C", symbol="日本円"),
        fake,
        *(given.transfer("a", "b", log=number, token=erc20("B")) for number in range(3)),
        given.transfer("a", "b", log=9, token=erc20("C")),
    )

    async def ids(arguments: str, **how: Any) -> list[Any]:
        return await all_of(graph, f"tokens(PAGE{arguments})", size=1, want="tokenId", **how)

    of_ethereum = sorted(erc20(name) for name in "ABC")
    for backward in (False, True):
        everything = await ids("", backward=backward)
        assert everything == sorted([*of_ethereum, fake.id])
        assert await ids(', chain: "eth"', backward=backward) == of_ethereum
        assert await ids(', symbol: "USDT"', backward=backward) == sorted([erc20("A"), erc20("B")])
        most_used = await ids(', chain: "eth", order: MOST_USED', backward=backward)
        assert most_used == [erc20("B"), erc20("C")]
    assert await ids(', symbol: "日本円"') == [erc20("C")]
    assert await ids(', symbol: "USDT", order: MOST_USED') == [erc20("B"), erc20("A")]


@pytest.mark.parametrize(
    "field",
    [
        "transfers { nodes { id } }",
        "transactions { nodes { id } }",
        'transfers(chain: "eth", first: 1001) { nodes { id } }',
        'transfers(chain: "eth", first: 0) { nodes { id } }',
        'transfers(chain: "eth", last: -5) { nodes { id } }',
        'transfers(chain: "eth", first: 1, last: 1) { nodes { id } }',
        'transfers(chain: "eth", after: "nonsense") { nodes { id } }',
        'transfers(chain: "eth", filter: {minAmount: "1"}) { nodes { id } }',
        'transfers(chain: "eth", filter: {minAmountRaw: "-1"}) { nodes { id } }',
        'transfers(chain: "eth", filter: {minAmountRaw: "1.5"}) { nodes { id } }',
        'transfers(chain: "eth", filter: {fromBlock: 5, toBlock: 4}) { nodes { id } }',
        'transfers(chain: "eth", filter: {since: "yesterday"}) { nodes { id } }',
        'transfers(chain: "eth", filter: {since: "2024-01-01T00:00:00"}) { nodes { id } }',
        'transfers(chain: "eth", filter: {since: "2024-01-02T00:00:00Z", '
        'until: "2024-01-01T00:00:00Z"}) { nodes { id } }',
        'transactions(chain: "eth", filter: {methodId: "transfer"}) { nodes { id } }',
        f'transfers(wallet: "{wallet("a")}", chain: "bsc") {{ nodes {{ id }} }}',
        "wallets(order: NEWEST_ACTIVITY) { nodes { id } }",
        "wallets(first: 101) { nodes { id } }",
        "tokens(order: MOST_USED) { nodes { id } }",
        "recentTransfers(first: 101) { id }",
        'transfer(id: "") { id }',
    ],
)
async def test_what_cannot_be_asked_is_bad_input(graph: Graph, field: str) -> None:
    found = await answer(graph, f"{{ {field} }}")

    assert found.codes == ["BAD_INPUT"]
    assert found.statements == []


async def test_a_cursor_of_another_order_is_refused(street: Graph) -> None:
    data = await ask(street, "{ wallets(first: 1) { pageInfo { endCursor } } }")
    cursor = data["wallets"]["pageInfo"]["endCursor"]

    for field in (
        f'transfers(chain: "eth", after: "{cursor}") {{ nodes {{ id }} }}',
        f'wallets(order: NEWEST_ACTIVITY, filter: {{chain: "eth"}}, after: "{cursor}") '
        "{ nodes { id } }",
    ):
        assert (await answer(street, f"{{ {field} }}")).codes == ["BAD_INPUT"]


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@generated(
    steps=st.lists(
        st.lists(st.integers(min_value=0, max_value=40), max_size=4), min_size=1, max_size=8
    ),
    size=st.integers(min_value=1, max_value=6),
    backward=st.booleans(),
)
async def test_cursors_hold_while_transfers_are_added(
    graph: Graph, steps: list[list[int]], size: int, backward: bool
) -> None:
    """Whatever is added between two pages, no row comes twice and none that was there is lost."""
    await empty(graph)
    async with Ledger.open(graph) as ledger:
        serial = 0

        async def add(blocks: list[int]) -> None:
            nonlocal serial
            for block in blocks:
                serial += 1
                sender, recipient = ("a", "b") if serial % 2 else ("b", "a")
                await ledger.write(
                    given.transfer(sender, recipient, tx=f"t{serial}", log=serial, block=block)
                )

        await add([block for step in steps for block in step] or [7])
        query = """query ($id: AccountId!, $first: Int, $after: String, $last: Int,
            $before: String) { wallet(by: {accountId: $id}) {
              transfers(first: $first, after: $after, last: $last, before: $before) {
                edges { cursor node { transferId blockNumber } }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""

        async def page(place: str | None) -> Any:
            window = (
                {"last": size, "before": place} if backward else {"first": size, "after": place}
            )
            data = await ask(graph, query, id=wallet("a"), **window)
            return data["wallet"]["transfers"]

        there = {
            edge["node"]["transferId"]
            for edge in (await ask(graph, query, id=wallet("a"), first=1000))["wallet"][
                "transfers"
            ]["edges"]
        }
        seen: list[tuple[str, int]] = []
        place: str | None = None
        for step in [*steps, *[[]] * 200]:
            part = await page(place)
            rows = [
                (edge["node"]["transferId"], edge["node"]["blockNumber"]) for edge in part["edges"]
            ]
            seen = rows + seen if backward else seen + rows
            info = part["pageInfo"]
            if not info["hasPreviousPage" if backward else "hasNextPage"]:
                break
            place = info["startCursor" if backward else "endCursor"]
            await add(step)

        ids = [identity for identity, _ in seen]
        assert len(ids) == len(set(ids))
        assert there <= set(ids)
        blocks = [block for _, block in seen]
        assert blocks == sorted(blocks, reverse=True)


async def test_a_list_of_wallets_with_lists_takes_one_statement_for_each_level(
    street: Graph,
) -> None:
    found = await answer(
        street,
        """{ wallets(first: 30) { nodes {
          chain { nativeToken { symbol } }
          transfers(first: 3) { nodes { token { symbol } sender { accountId } } }
          transactions(first: 3) { nodes { hash } }
          counterparties(first: 3) { accountId }
          balances(first: 3) { tokenId }
          approvals(first: 3) { tokenId }
          interactions { transactions }
        } } }""",
    )

    assert found.errors == []
    # Wallets, chain, its coin, transfers, tokens, senders, transactions, counterparties, balances
    # with their chains, approvals, interactions.
    assert len(found.statements) <= 12


async def test_every_type_of_node_is_found_by_its_id(street: Graph) -> None:
    data = await ask(
        street,
        f"""{{ wallet(by: {{accountId: "{wallet("person3")}"}}) {{ id transfers(first: 1) {{
          nodes {{ id token {{ id }} transaction {{ id chain {{ id }} }} }} }} }} }}""",
    )
    (transfer,) = data["wallet"]["transfers"]["nodes"]
    ids = [
        data["wallet"]["id"],
        transfer["id"],
        transfer["token"]["id"],
        transfer["transaction"]["id"],
        transfer["transaction"]["chain"]["id"],
    ]

    found = await answer(
        street, "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }", ids=ids
    )

    assert [node["id"] for node in found.data["nodes"]] == ids
    assert {node["__typename"] for node in found.data["nodes"]} == {
        "Wallet",
        "Transfer",
        "Token",
        "Transaction",
        "Chain",
    }
    assert len(found.statements) == 5


async def test_what_is_refused_leaves_the_rest_of_the_answer(
    street: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balances, "MOST_MOVES", 0)
    found = await answer(
        street,
        f"""{{ wallet(by: {{accountId: "{wallet("person3")}"}}) {{
            accountId portfolio(asOf: "2023-11-17T00:00:00Z") {{ asOf }} }}
          late: wallet(by: {{accountId: "{wallet("silent")}"}}) {{
            portfolio(asOf: "2023-11-17T00:00:00Z") {{ holdings {{ transfers }} }} }}
          transfers {{ nodes {{ id }} }} good: transfers(chain: "bsc") {{ nodes {{ id }} }} }}""",
    )

    assert sorted(found.codes) == ["BAD_INPUT", "TOO_COSTLY"]
    assert found.data == {
        "wallet": {"accountId": wallet("person3"), "portfolio": None},
        "late": {"portfolio": {"holdings": []}},
        "transfers": None,
        "good": {"nodes": []},
    }


SINCE = "2023-12-10T00:00:00Z"
OF_TIMES = [
    f'wallets(first: 5, filter: {{activeSince: "{SINCE}"}}) {{ __typename }}',
    f'wallets(first: 5, filter: {{chain: "ethereum", activeUntil: "{SINCE}"}}) {{ __typename }}',
    f'wallet(by: {{accountId: "{wallet("a")}"}}) '
    f'{{ counterparties(since: "{SINCE}") {{ wallet {{ accountId }} }} }}',
]


@pytest.mark.parametrize("field", OF_TIMES)
async def test_a_time_is_refused_where_none_is_known(
    ledger: Ledger, graph: Graph, field: str
) -> None:
    await ledger.write(given.transfer("a", "b", at=None, block=None))
    found = await answer(graph, f"{{ {field} }}")
    assert [error["extensions"]["code"] for error in found.errors] == ["BAD_INPUT"]
    assert found.errors[0]["message"].startswith("Nothing that is loaded of ")
    assert "ask without one" in found.errors[0]["message"]

    await ledger.write(given.transfer("a", "b", tx="timed", log=1))
    assert (await answer(graph, f"{{ {field} }}")).errors == []
