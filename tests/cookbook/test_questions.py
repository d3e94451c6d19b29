"""Each question of the cookbook gives the true answer, and the same one on both engines."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from itertools import product
from typing import Any

import orjson
import pytest
import pytest_asyncio

from deskgraph import cookbook, cypher_shell
from deskgraph.cypher_shell import asked
from deskgraph.sample import cast
from graph_api.domain.ids import AccountId, ChainId, TokenId, account_id, parse_account
from graph_api.domain.records import Approval, Label
from graph_api.store import migrations
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from tests import given
from tests.conftest import empty
from tests.cookbook.economy import BITCOIN, DAY, ETHEREUM, Economy, Moved, account, of
from tests.cookbook.economy import transaction as transaction_of
from tests.given import NOW

Row = dict[str, Any]
Ask = Callable[..., Awaitable[list[Row]]]

NORTHWIND = of("Northwind OTC")
EXCHANGES = {
    of(f"{name} {role}"): cast.slug(name)
    for name, role in product(cast.EXCHANGES, ("hot 1", "hot 2", "cold"))
}


@pytest.fixture(scope="module")
def economy(tmp_path_factory: pytest.TempPathFactory) -> Economy:
    return Economy(tmp_path_factory.mktemp("economy"))


@pytest_asyncio.fixture(scope="module")
async def graphs(
    economy: Economy, request: pytest.FixtureRequest, embedded_address: GraphAddress
) -> AsyncIterator[list[Graph]]:
    """Every engine that this machine has, with the economy loaded."""
    addresses = [embedded_address]
    with suppress(pytest.skip.Exception):  # the test below says it aloud
        addresses.append(request.getfixturevalue("neo4j_address"))
    opened = [await Graph.open(address, query_timeout_s=60) for address in addresses]
    for graph in opened:
        await migrations.migrate(graph, now=NOW)
        await empty(graph)
        await economy.load(graph)
    yield opened
    for graph in opened:
        await graph.close()


@pytest.fixture
def ask(graphs: list[Graph]) -> Ask:
    """Asks a question of the cookbook on every engine, and wants the same answer from each."""

    async def ask(name: str, **parameters: object) -> list[Row]:
        pairs = [f"{key}={value}" for key, value in parameters.items()]
        answers = [await lines(graph, f"@{name}", pairs) for graph in graphs]
        assert all(answer == answers[0] for answer in answers)
        return [orjson.loads(line) for line in answers[0]]

    return ask


async def lines(graph: Graph, statement: str, pairs: list[str]) -> list[str]:
    keys, rows = await cypher_shell.run(graph, asked(statement, pairs), write=False)
    return cypher_shell.as_json(keys, rows).splitlines()


def epoch_ms(text: str) -> int:
    return round(datetime.fromisoformat(text[:19] + "+00:00").timestamp() * 1000)


def test_both_engines_were_asked(neo4j_address: GraphAddress, graphs: list[Graph]) -> None:
    assert [graph.engine for graph in graphs] == ["arcadedb", "neo4j"]


@pytest.mark.parametrize("question", cookbook.questions(), ids=lambda question: question.name)
async def test_the_example_in_the_file_finds_something(
    question: cookbook.Question, ask: Ask
) -> None:
    example = dict(pair.split("=", 1) for pair in question.example)
    assert await ask(question.name, **example)
    assert len(await ask(question.name, **example | {"limit": "1"})) == 1


@pytest.mark.parametrize("question", cookbook.questions(), ids=lambda question: question.name)
async def test_what_is_unknown_gives_no_rows(question: cookbook.Question, ask: Ask) -> None:
    nobody = {
        "account": account("0x" + "12" * 20),
        "token": "ethereum:0x" + "12" * 20,
        "transaction": "ethereum:0x" + "12" * 32,
        "chain": "solana",
        "text": "no such category",
        "integer": "1",
        "moment": "2026-01-01",
    }
    unknown = {parameter.name: nobody[parameter.kind] for parameter in question.parameters}
    assert await ask(question.name, **unknown) == []


async def test_a_washed_wallet_was_funded_by_the_mixer(economy: Economy, ask: Ask) -> None:
    for mixed in economy.truth["mixed"]:
        first, *_ = await ask("first_funding", wallet=account(mixed["recipient"]))
        assert first["labels"] == ["Fogbank Mixer"]
        assert first["symbol"] == "USDC"


async def test_payers_come_in_the_order_of_their_first_payment(economy: Economy, ask: Ask) -> None:
    sums: dict[tuple[str, str], list[Moved]] = defaultdict(list)
    for moved in economy.moved:
        if moved.recipient == NORTHWIND:
            sums[moved.sender, economy.symbols[moved.token]].append(moved)

    rows = await ask("first_funding", wallet=NORTHWIND, limit=1000)

    assert {(row["payer"], row["symbol"]): int(row["amount_raw"]) for row in rows} == {
        key: sum(moved.amount for moved in group) for key, group in sums.items()
    }
    assert [epoch_ms(row["first_at"]) for row in rows] == sorted(
        min(moved.time for moved in group) for group in sums.values()
    )


async def test_the_largest_transfers_are_ranked_exactly(economy: Economy, ask: Ask) -> None:
    since, until = "2026-01-10", "2026-02-10"
    for symbol in ("USDC", "ETH", "ДОГ"):
        found = await ask(
            "largest_transfers", token=economy.token(symbol), since=since, until=until, limit=15
        )
        amounts = sorted(
            moved.amount
            for moved in economy.moved
            if moved.token == economy.token(symbol)
            and epoch_ms(f"{since}T00:00:00") <= moved.time < epoch_ms(f"{until}T00:00:00")
        )
        assert [int(row["amount_raw"]) for row in found] == amounts[::-1][:15]


async def test_a_window_of_blocks_bounds_the_largest_transfers(economy: Economy, ask: Ask) -> None:
    usdc = economy.token("USDC")
    blocks = sorted(moved.block for moved in economy.moved if moved.token == usdc)
    low, high = blocks[len(blocks) // 3], blocks[2 * len(blocks) // 3]

    found = await ask(
        "largest_transfers", token=usdc, from_block=low, to_block=high, limit=len(blocks)
    )

    inside = [m.amount for m in economy.moved if m.token == usdc and low <= m.block <= high]
    assert [int(row["amount_raw"]) for row in found] == sorted(inside, reverse=True)


async def test_a_desk_and_its_counterparties_are_summed_both_ways(
    economy: Economy, ask: Ask
) -> None:
    paid: Counter[tuple[str, str]] = Counter()
    received: Counter[tuple[str, str]] = Counter()
    for moved in economy.moved:
        if moved.sender == NORTHWIND:
            paid[moved.recipient, economy.symbols[moved.token]] += moved.amount
        elif moved.recipient == NORTHWIND:
            received[moved.sender, economy.symbols[moved.token]] += moved.amount

    rows = await ask("counterparties_of_desk", wallet=NORTHWIND, limit=500)

    keys = [(row["counterparty"], row["symbol"]) for row in rows]
    assert sorted(keys) == sorted(paid.keys() | received.keys())
    for key, row in zip(keys, rows, strict=True):
        assert row["paid_raw"] == (str(paid[key]) if key in paid else None)
        assert row["received_raw"] == (str(received[key]) if key in received else None)
    transfers = [row["transfers"] for row in rows]
    assert transfers == sorted(transfers, reverse=True)


async def test_every_deposit_address_is_found_from_its_user(economy: Economy, ask: Ask) -> None:
    swept = {moved.sender for moved in economy.moved if moved.recipient in EXCHANGES}
    deposits = {
        account(address): exchange
        for address, exchange in economy.truth["deposit_addresses"].items()
        if account(address) in swept
    }
    users: dict[str, set[str]] = defaultdict(set)
    for moved in economy.moved:
        if moved.recipient in deposits and moved.sender not in EXCHANGES:
            users[moved.sender].add(moved.recipient)
    assert len(users) > 20

    for user, used in users.items():
        found = {row["deposit"]: row["exchange"] for row in await ask("deposits_used", wallet=user)}
        assert found.items() >= {deposit: deposits[deposit] for deposit in used}.items()


async def test_an_exchange_itself_is_no_deposit_address(ask: Ask) -> None:
    rows = await ask("deposits_used", wallet=of("Tidewhistle Making"))
    assert not {row["deposit"] for row in rows} & EXCHANGES.keys()


async def test_every_settlement_on_one_chain_is_found(economy: Economy, ask: Ask) -> None:
    known = {moved.transaction: moved for moved in economy.moved}
    pairs: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for settled in economy.truth["settlements"]:
        came, went = ([transaction_of(leg) for leg in settled["legs"][side] if leg[:2] == "0x"]
                      for side in ("in", "out"))  # fmt: skip
        pairs[settled["desk_wallet"], settled["client"]] |= set(product(came, went))
    assert sum(map(len, pairs.values())) > 60

    for (desk, client), legs in pairs.items():
        rows = await ask(
            "settlements_between", desk=account(desk), client=account(client), hours=6, limit=1000
        )
        found = {(row["client_transaction"], row["desk_transaction"]) for row in rows}
        assert found >= legs
        for came, went in found:
            assert (known[came].sender, known[came].recipient) == (account(client), account(desk))
            assert (known[went].sender, known[went].recipient) == (account(desk), account(client))
            assert known[came].token != known[went].token
            assert abs(known[came].time - known[went].time) <= 6 * 3_600_000


async def test_paths_are_all_that_avoid_services_and_hubs(economy: Economy, ask: Ask) -> None:
    ends = dict(pair.split("=", 1) for pair in cookbook.question("paths").example)
    start, end = (parse_account(ends[key]) for key in ("from", "to"))
    rows = await ask("paths", **ends, limit=5000)

    services = EXCHANGES.keys() | {
        wallet
        for name, wallet in economy.tagged.items()
        if name.startswith(("Fogbank", "Causeway", "Lanternswap"))
    }
    pairs = {(m.sender, m.recipient, m.token) for m in economy.moved if m.sender != m.recipient}
    degrees = Counter(wallet for sender, recipient, _ in pairs for wallet in (sender, recipient))
    onward: dict[str, set[str]] = defaultdict(set)
    for sender, recipient, _ in pairs:
        onward[sender].add(recipient)

    def walk(path: tuple[str, ...]) -> set[tuple[str, ...]]:
        if len(path) == 5:
            return set()
        done = {(*path, end)} if end in onward[path[-1]] else set()
        for wallet in onward[path[-1]] - {end, *path} - services:
            if degrees[wallet] <= 50:
                done |= walk((*path, wallet))
        return done

    assert {tuple(row["wallets"]) for row in rows} == walk((start,))
    assert [row["hops"] for row in rows] == sorted(row["hops"] for row in rows)
    assert all(row["hops"] == len(row["wallets"]) - 1 for row in rows)


async def test_mixers_nearby_are_named_with_the_way_to_them(economy: Economy, ask: Ask) -> None:
    mixed = economy.truth["mixed"][0]
    direct = await ask("warnings_nearby", wallet=account(mixed["recipient"]))
    assert [(row["hops"], row["label"], row["first_hop"]) for row in direct] == [
        (1, "Fogbank Mixer", "was paid")
    ]

    payers = {account(mixed["payer"]) for mixed in economy.truth["mixed"]}
    dealt = {
        (m.sender if m.recipient == NORTHWIND else m.recipient)
        for m in economy.moved
        if NORTHWIND in (m.sender, m.recipient)
    }
    rows = await ask("warnings_nearby", wallet=NORTHWIND, limit=500)
    paid_in = {row["via"] for row in rows if row["second_hop"] == "paid"}
    assert {row["hops"] for row in rows} == {2}
    assert paid_in == payers & dealt


async def test_customers_of_the_mixer_are_those_who_really_were(economy: Economy, ask: Ask) -> None:
    rows = await ask("mixer_customers", limit=1000)
    paid_in = {row["customer"] for row in rows if row["did"] == "paid in"}
    was_paid = {row["customer"] for row in rows if row["did"] == "was paid"}
    assert paid_in >= {account(mixed["payer"]) for mixed in economy.truth["mixed"]}
    recipients = {account(mixed["recipient"]) for mixed in economy.truth["mixed"]}
    assert was_paid - {of("relayer")} == recipients


async def test_callers_of_exchanges_are_counted_with_their_failures(
    economy: Economy, ask: Ask
) -> None:
    rows = await ask("dex_callers", limit=1000)

    calls: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    contracts = {wallet for name, wallet in economy.tagged.items() if name.startswith("Lantern")}
    for row in economy.rows("transactions.csv.gz"):
        if row["to_address"] and account(row["to_address"]) in contracts:
            calls[account(row["from_address"])] += 1
            failed[account(row["from_address"])] += transaction_of(row["hash"]) in economy.failed
    assert {row["caller"]: row["calls"] for row in rows} == calls
    assert {row["caller"]: row["failed"] for row in rows} == failed
    assert failed.total() > 0


async def test_wallets_that_woke_had_been_still_for_so_long(economy: Economy, ask: Ask) -> None:
    first_block = sorted(moved.block for moved in economy.moved)[-400]
    rows = await ask("woken_wallets", chain="ethereum", from_block=first_block, days=12, limit=1000)

    woke: dict[str, int] = {}
    for moved in economy.moved:
        if moved.block >= first_block:
            woke[moved.sender] = min(woke.get(moved.sender, moved.time), moved.time)
    still: dict[str, int] = {}
    for moved in economy.moved:
        for wallet in {moved.sender, moved.recipient} & woke.keys():
            if moved.time < woke[wallet]:
                still[wallet] = max(still.get(wallet, 0), moved.time)
    expected = {w: since for w, since in still.items() if woke[w] - since >= 12 * DAY}
    assert len(expected) > 3
    assert {row["wallet"]: epoch_ms(row["still_since"]) for row in rows} == expected
    assert all(epoch_ms(row["woke_at"]) == woke[row["wallet"]] for row in rows)


async def test_holders_are_ranked_by_exact_sums(economy: Economy, ask: Ask) -> None:
    for symbol in ("USDC", "ДОГ", "Ångstrøm"):
        held: Counter[str] = Counter()
        for moved in economy.moved:
            if moved.token == economy.token(symbol):
                held[moved.sender] -= moved.amount
                held[moved.recipient] += moved.amount
        rows = await ask("top_holders", token=economy.token(symbol), limit=10)
        assert [int(row["net_raw"]) for row in rows] == sorted(held.values(), reverse=True)[:10]
        assert all(int(row["net_raw"]) == held[row["wallet"]] for row in rows)
    exchange = next(row for row in await ask("top_holders", token=economy.token("USDC")))
    assert exchange["labels"] == ["Quillspot Exchange: cold wallet"]


async def test_net_changes_add_up_beyond_64_bits(economy: Economy, ask: Ask) -> None:
    whale = of("whale 0")
    rows = {row["symbol"]: row for row in await ask("net_changes", wallet=whale)}
    for symbol in ("ДОГ", "Ångstrøm", "USDC"):
        mine = [moved for moved in economy.moved if moved.token == economy.token(symbol)]
        received = sum(moved.amount for moved in mine if moved.recipient == whale)
        sent = sum(moved.amount for moved in mine if moved.sender == whale)
        row = rows[symbol]
        assert (int(row["received_raw"]), int(row["sent_raw"])) == (received, sent)
        assert int(row["net_raw"]) == received - sent
    assert int(rows["ДОГ"]["received_raw"]) > 2**64


async def test_the_last_word_of_an_owner_decides_whether_an_approval_is_open(
    graphs: list[Graph], ask: Ask
) -> None:
    token = given.erc20("approved")
    for graph in graphs:
        async with given.Ledger.open(graph) as ledger:
            await ledger.write(
                approval("revoker", token, 5, block=10, log=1),
                approval("revoker", token, 0, block=11, log=0),
                approval("keeper", token, 0, block=12, log=9),
                approval("keeper", token, 2**256 - 1, block=12, log=10),
            )

    rows = await ask("open_approvals", spender=given.wallet("spender"))

    assert [(row["owner"], row["unlimited"]) for row in rows] == [(given.wallet("keeper"), True)]


def approval(owner: str, token: TokenId, amount_raw: int, *, block: int, log: int) -> Approval:
    transaction = given.transaction_id_of(f"approval {block} {log}")
    return Approval(
        id=f"{transaction}:log:{log}",
        chain=ChainId(ETHEREUM.id),
        transaction=transaction,
        token=token,
        owner=given.wallet(owner),
        spender=given.wallet("spender"),
        amount_raw=amount_raw,
        block_number=block,
        block_time=given.NOON,
    )


async def test_users_of_a_router_have_approved_it(economy: Economy, ask: Ask) -> None:
    router = economy.tagged["Lanternswap router 1"]
    rows = await ask("open_approvals", spender=router, limit=1000)
    callers = {
        account(row["from_address"])
        for row in economy.rows("transactions.csv.gz")
        if row["to_address"] and account(row["to_address"]) == router
        and transaction_of(row["hash"]) not in economy.failed
    }  # fmt: skip
    assert {row["owner"] for row in rows} >= callers
    assert all(row["unlimited"] for row in rows)


async def test_coins_spent_together_have_one_owner_and_joint_payments_are_left_out(
    economy: Economy, ask: Ask
) -> None:
    owners: dict[str, str] = economy.truth["bitcoin_owners"]
    spent: dict[str, set[str]] = {}
    for row in economy.coin_transactions:
        addresses = [coin["addresses"][0] for coin in row["inputs"] if len(coin["addresses"]) == 1]
        spent[row["hash"]] = set(addresses)
    joint = set(economy.truth["coinjoins"])
    together = {name: group for name, group in spent.items() if len(group) > 1}
    assert joint < together.keys()
    assert len(together) > 10

    for name, group in together.items():
        one = min(group)
        rows = await ask("cospent_wallets", wallet=account_id(BITCOIN, one))
        found = {row["wallet"].rpartition(":")[2] for row in rows}
        assert {owners[address] for address in found} <= {owners[one]}
        if name not in joint:
            assert group - {one} <= found


async def test_labels_are_told_as_they_were_known(graphs: list[Graph], ask: Ask) -> None:
    wallet = given.wallet("renamed")
    claims = [
        label("old name", wallet, learned_at=day(1), withdrawn_at=day(5)),
        label("new name", wallet, learned_at=day(5)),
        label("lease", wallet, valid_from=day(2), valid_to=day(4)),
    ]
    for graph in graphs:
        async with given.Ledger.open(graph) as ledger:
            await ledger.write(given.transfer("renamed", "other", tx="renamed"), *claims)

    async def known(on: int, *, at: int) -> set[str]:
        dates = {"on": f"2026-01-0{on}", "known_at": f"2026-01-0{at}"}
        return {row["label"] for row in await ask("labels_on_a_day", wallet=wallet, **dates)}

    assert await known(3, at=3) == {"old name", "lease"}
    assert await known(3, at=6) == {"new name", "lease"}
    assert await known(6, at=3) == {"old name"}
    assert await known(9, at=9) == {"new name"}


def day(number: int) -> int:
    return epoch_ms(f"2026-01-{number:02}T00:00:00")


def label(text: str, wallet: AccountId, **times: int) -> Label:
    return Label(
        id=f"label:{text}",
        accounts=(wallet,),
        label=text,
        category=None,
        confidence=0.5,
        source="tests",
        **times,  # type: ignore[arg-type]
    )


async def test_a_transaction_is_told_in_the_order_of_its_events(economy: Economy, ask: Ask) -> None:
    by_transaction: dict[str, list[Moved]] = defaultdict(list)
    for moved in economy.moved:
        by_transaction[moved.transaction].append(moved)
    batch = max(by_transaction, key=lambda name: len(by_transaction[name]))

    rows = await ask("inside_transaction", transaction=batch)

    assert [(row["sender"], row["recipient"], int(row["amount_raw"])) for row in rows] == [
        (moved.sender, moved.recipient, moved.amount) for moved in by_transaction[batch]
    ]


async def test_a_peel_chain_is_followed_to_its_end(economy: Economy, ask: Ask) -> None:
    owners: dict[str, str] = economy.truth["bitcoin_owners"]
    (chain,) = economy.truth["peel_chains"]
    rows = await ask("peel_chain", transaction=f"bitcoin:{chain[0]}", limit=200)
    assert [row["transaction"] for row in rows] == chain
    assert [row["hop"] for row in rows] == list(range(len(chain)))
    assert {owners[row["rest"].rpartition(":")[2]] for row in rows} == {"peeler 0"}
    assert all(owners[row["paid"].rpartition(":")[2]].endswith("deposits") for row in rows)
