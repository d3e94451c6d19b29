"""Paths in time from the graph: those of all transfers in memory, within every budget."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import pytest

from graph_api.analysis.paths.best import best_paths, value_of
from graph_api.analysis.paths.wishes import Hop, PathOrder, place_in_time
from graph_api.domain.categories import Category
from graph_api.domain.chains import Family
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId
from graph_api.domain.records import Transfer
from graph_api.services.timed_paths.answers import PathsAnswer, PathsEnded, TimedPath
from graph_api.services.timed_paths.questions import Budget, PathEnd, PathsQuestion
from graph_api.services.timed_paths.running import AT_ONCE, best, paths
from graph_api.services.walks import Stop
from graph_api.store.graph import Graph
from graph_api.store.records import moment
from tests import given
from tests.given import NOON, NOW, Ledger, wallet
from tests.schema.asking import counted
from tests.services.tracing.test_accounts import USD, id_of, pay
from tests.store.test_desks import actor
from tests.store.test_labels import said

EUR = given.erc20("EUR")


async def ask(
    graph: Graph,
    start: str | PathEnd,
    end: str | PathEnd,
    *,
    budget: Budget = AT_ONCE,
    **wishes: Any,
) -> PathsAnswer:
    """The best paths between two wallets."""
    asked = question(start, end, **wishes)
    found = await best(graph, asked, now=NOW, budget=budget)
    assert found is not None
    return found


def question(start: str | PathEnd, end: str | PathEnd, **wishes: Any) -> PathsQuestion:
    return PathsQuestion(start=_end(start), end=_end(end), **wishes)


def _end(of: str | PathEnd) -> PathEnd:
    return of if isinstance(of, PathEnd) else PathEnd(wallet=wallet(of))


def ways(found: PathsAnswer) -> list[tuple[AccountId, ...]]:
    return [path.wallets for path in found.paths]


def way(*names: str) -> tuple[AccountId, ...]:
    return tuple(wallet(name) for name in names)


def at(block: int) -> Any:
    """When ``pay`` pays in a block."""
    return moment(NOON + block * 1_000)


class Town:
    """Random payments between some wallets, and the same in memory."""

    def __init__(self, chance: random.Random) -> None:
        names = [f"w{number}" for number in range(14)]
        self.payments = []
        for number in range(200):
            sender, recipient = chance.sample(names[:5] if chance.random() < 0.3 else names, 2)
            payment = pay(
                sender,
                recipient,
                chance.choice([chance.randrange(100), chance.randrange(100), None]),  # type: ignore[arg-type]
                block=chance.randrange(1, 40),
                log=number,
                tx=f"{number}",
                token=chance.choice([USD, USD, EUR]),
            )
            self.payments.append(payment)
        self.flows = Counter(
            end
            for sender, recipient, _ in {
                (one.sender, one.recipient, one.token) for one in self.payments
            }
            for end in (sender, recipient)
        )

    def expected(self, asked: PathsQuestion, *, barred: Iterable[AccountId]) -> list[list[str]]:
        """The best paths among all that counts."""
        start, end = asked.start.wallet, asked.end.wallet
        assert start is not None
        assert end is not None
        closed = {one for one, flows in self.flows.items() if flows > asked.hub} | {*barred}
        closed -= {start, end}
        hops = [
            _hop(one)
            for one in self.payments
            if not {one.sender, one.recipient} & closed and self._counts(one, asked)
        ]
        found = best_paths(hops, asked.wish(asked.max_hops), starts={start}, ends={end})
        return [[hop.id for hop in path] for path in found.paths]

    @staticmethod
    def _counts(one: Transfer, asked: PathsQuestion) -> bool:
        assert one.block_time is not None
        assert one.block_number is not None
        time = moment(one.block_time)
        return (
            (asked.since is None or time >= asked.since)
            and (asked.until is None or time <= asked.until)
            and (asked.as_of is None or time <= asked.as_of)
            and (asked.as_of_block is None or one.block_number <= asked.as_of_block)
        )


def _hop(one: Transfer) -> Hop:
    assert one.sender is not None
    assert one.block_time is not None
    place = place_in_time(
        Family.EVM,
        id=one.id,
        position=one.position,
        block_number=one.block_number,
        block_time=moment(one.block_time),
        index=None,
    )
    return Hop(one.id, one.sender, one.recipient, place, one.block_time, one.token, one.amount_raw)


def ids(paths: Sequence[TimedPath]) -> list[list[str]]:
    return [[hop.transfer for hop in path.hops] for path in paths]


def drawn(chance: random.Random) -> PathsQuestion:
    """A random question."""
    by = chance.choice(list(PathOrder))
    start, end = chance.sample(range(14), 2)
    window = chance.random()
    return question(
        f"w{start}",
        f"w{end}",
        by=by,
        count=chance.choice((1, 3, 8)),
        max_hops=chance.choice((1, 2, 3, 4, 5, 6, 6)),
        token=USD if by is PathOrder.AMOUNT else chance.choice((None, None, EUR)),
        min_raw=chance.choice((None, None, 30)),
        continuity=chance.choice((None, None, None, Decimal("0.5"))),
        routes=chance.random() < 0.3,
        since=at(6) if window < 0.2 else None,
        until=at(30) if window < 0.3 else None,
        as_of=at(25) if 0.3 <= window < 0.5 else None,
        as_of_block=20 if 0.5 <= window < 0.7 else None,
        hub=chance.choice((36, 100)),
    )


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_read_from_the_graph_is_enough(ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    town = Town(chance)
    await ledger.write(*town.payments, said("w3", "An exchange", category=Category.EXCHANGE))
    found_some = 0

    for _ in range(60):
        asked = drawn(chance)
        expected = town.expected(asked, barred=[wallet("w3")])

        found = await best(ledger.graph, asked, now=NOW)

        assert found is not None
        assert found.ended is PathsEnded.COMPLETE
        assert ids(found.paths) == expected, asked
        found_some += len(expected) > 1
    assert found_some > 12


async def test_a_larger_budget_never_finds_worse_and_a_small_one_invents_nothing(
    ledger: Ledger,
) -> None:
    town = Town(random.Random(5))
    await ledger.write(*town.payments)
    ended = Counter[PathsEnded]()

    for by, part in product(
        (PathOrder.AMOUNT, PathOrder.FASTEST), ("flows", "transfers", "choices")
    ):
        wishes: dict[str, Any] = {"by": by, "count": 4, "token": USD}
        whole = await ask(ledger.graph, "w1", "w12", **wishes)
        searched = 0
        for most in (0, 20, 100, 200, 400, 2_000):
            budget = Budget(**{part: most})
            found = await ask(ledger.graph, "w1", "w12", **wishes, budget=budget)

            ended[found.ended] += 1
            assert found.flows_read <= budget.flows
            assert found.transfers_read <= budget.transfers
            assert found.searched_hops >= searched
            searched = found.searched_hops
            if searched:
                asked = question("w1", "w12", **wishes, max_hops=searched)
                assert ids(found.paths) == town.expected(asked, barred=())
        assert found.ended is PathsEnded.COMPLETE
        assert ids(found.paths) == ids(whole.paths)
    assert len(ended) == len(PathsEnded)


async def test_a_path_goes_on_in_time_while_the_shortest_one_does_not(ledger: Ledger) -> None:
    await ledger.write(
        pay("b", "z", 5, block=1),
        pay("a", "b", 5, block=2),
        pay("b", "c", 5, block=3),
        pay("c", "z", 5, block=4),
    )

    found = await ask(ledger.graph, "a", "z")

    assert ways(found) == [way("a", "b", "c", "z")]
    (path,) = found.paths
    assert [hop.transfer for hop in path.hops] == [id_of(2), id_of(3), id_of(4)]
    assert (path.seconds, path.least_raw) == (2.0, "5")
    assert (found.as_of.block, found.as_of.at) == (4, NOW)
    assert (await ask(ledger.graph, "a", "z", max_hops=2)).paths == ()


async def test_orders_prefer_different_paths(ledger: Ledger) -> None:
    await ledger.write(
        pay("a", "slow", 90, block=1),
        pay("slow", "z", 80, block=40),
        pay("a", "early", 10, block=2),
        pay("early", "z", 10, block=6),
        pay("a", "fast", 20, block=30),
        pay("fast", "late", 20, block=31),
        pay("late", "z", 20, block=32),
        pay("a", "fresh", 5, block=35),
        pay("fresh", "z", 5, block=41),
    )
    expected = {
        PathOrder.AMOUNT: "slow",
        PathOrder.EARLIEST_ARRIVAL: "early",
        PathOrder.FASTEST: "fast",
        PathOrder.LATEST_DEPARTURE: "fresh",
        PathOrder.HOPS: "early",
    }

    for by, first in expected.items():
        found = await ask(ledger.graph, "a", "z", by=by, token=USD)

        assert len(found.paths) == 4
        assert found.paths[0].wallets[1] == wallet(first)
        values = [value_of(tuple(map(_as_hop, path.hops)), by) for path in found.paths]
        is_more = by in (PathOrder.AMOUNT, PathOrder.LATEST_DEPARTURE)
        assert values == sorted(values, reverse=is_more)


def _as_hop(hop: Any) -> Hop:
    time = round(hop.block_time.timestamp() * 1000)
    amount = int(hop.amount_raw)
    return Hop(hop.transfer, hop.sender, hop.recipient, (time,), time, hop.token, amount)


async def test_continuity_asks_that_the_amount_goes_on(ledger: Ledger) -> None:
    await ledger.write(
        pay("a", "b", 100, block=1),
        pay("b", "z", 60, block=2),
        pay("a", "c", 50, block=3),
        pay("c", "z", 48, block=4),
        pay("a", "d", 10, block=5),
        pay("d", "z", 10, block=6, token=EUR),
    )

    assert len((await ask(ledger.graph, "a", "z")).paths) == 3
    half = await ask(ledger.graph, "a", "z", continuity=Decimal("0.5"))
    most = await ask(ledger.graph, "a", "z", continuity=Decimal("0.9"))
    large = await ask(ledger.graph, "a", "z", min_raw=51)

    assert ways(half) == [way("a", "b", "z"), way("a", "c", "z")]
    assert ways(most) == [way("a", "c", "z")]
    assert ways(large) == [way("a", "b", "z")]


async def test_any_wallet_of_an_actor_or_a_cluster_may_be_an_end(ledger: Ledger) -> None:
    await ledger.write(
        pay("a", "b", 5, block=1),
        pay("b", "cold", 5, block=2),
        pay("b", "hot", 5, block=3),
        pay("hot", "cold", 5, block=4),
        actor("kraken"),
        said("hot", "Kraken 1", category=None, actor="kraken"),
        said("cold", "Kraken 2", category=None, actor="kraken"),
    )
    kraken = PathEnd(actor="kraken")

    found = await ask(ledger.graph, "a", kraken)
    back = await ask(ledger.graph, "b", "cold")

    assert ways(found) == [way("a", "b", "cold"), way("a", "b", "hot")]
    assert (found.starts, found.ends, found.cut) == (1, 2, False)
    assert ways(back) == [way("b", "cold"), way("b", "hot", "cold")]
    with pytest.raises(BadInput, match="both ends"):
        await ask(ledger.graph, "hot", kraken)
    asked = question("a", "nobody")
    assert await paths(ledger.graph, [asked], now=NOW) == {}
    with pytest.raises(BadInput, match="name the `chain`"):
        PathsQuestion(start=kraken, end=kraken)


async def test_services_and_hubs_are_not_passed_and_the_answer_says_so(ledger: Ledger) -> None:
    await ledger.write(
        pay("a", "cex", 5, block=1),
        pay("cex", "z", 5, block=2),
        pay("a", "hub", 5, block=3),
        pay("hub", "z", 5, block=4),
        *(pay(f"n{number}", "hub", 5, block=5, log=number, tx=f"n{number}") for number in range(9)),
        pay("a", "b", 5, block=6),
        pay("b", "z", 5, block=7),
        said("cex", "Binance 14", category=Category.HOT_WALLET),
    )

    found = await ask(ledger.graph, "a", "z", hub=10)

    assert ways(found) == [way("a", "b", "z")]
    assert {(one.wallet, one.stop, one.flows) for one in found.stopped_at} == {
        (wallet("cex"), Stop.SERVICE, 2),
        (wallet("hub"), Stop.HUB, 11),
    }
    assert found.stopped == 2
    open_ = await ask(ledger.graph, "a", "z", hub=11, through_services=True)
    assert len(open_.paths) == 3
    # A hub may be an end, though: the other side is gone on from.
    from_hub = await ask(ledger.graph, "n3", "hub", hub=3)
    assert ways(from_hub) == [way("n3", "hub")]


async def test_of_a_hub_at_an_end_a_window_is_enough(ledger: Ledger) -> None:
    crowd = [
        pay("hub", f"n{number}", 5, block=1 + number, log=number, tx=f"n{number}")
        for number in range(40)
    ]
    await ledger.write(
        *crowd,
        pay("hub", "b", 5, block=50),
        pay("b", "z", 5, block=52),
        pay("n9", "z", 5, block=53),
        pay("hub", "z", 3, block=60),
    )
    budget = Budget(flows=12)

    whole = await ask(ledger.graph, "hub", "z", hub=20, count=9)
    spent = await ask(ledger.graph, "hub", "b", hub=20, budget=Budget(flows=0))
    window = await ask(ledger.graph, "hub", "z", hub=20, since=at(45), until=at(55), budget=budget)
    all_of_it = await ask(ledger.graph, "hub", "z", hub=20, count=9, since=at(0))

    assert ways(whole) == [way("hub", "z"), way("hub", "b", "z"), way("hub", "n9", "z")]
    assert (spent.ended, spent.paths) == (PathsEnded.FLOWS, ())
    assert window.ended is PathsEnded.COMPLETE
    assert ways(window) == [way("hub", "b", "z")]
    assert ids(all_of_it.paths) == ids(whole.paths)


async def test_which_came_first_in_a_block_is_the_transactions_place(ledger: Ledger) -> None:
    def paid(sender: str, recipient: str, tx: str, index: int | None) -> list[Any]:
        return [
            given.transaction(sender, recipient, tx=tx, block=5, index=index),
        ]

    await ledger.write(
        *paid("a", "b", "first", 3),
        *paid("b", "z", "second", 8),
        *paid("z", "y", "third", 2),
        *paid("k", "l", "unknown", None),
        *paid("l", "m", "unknown too", None),
    )

    assert ways(await ask(ledger.graph, "a", "z")) == [way("a", "b", "z")]
    assert ways(await ask(ledger.graph, "a", "y")) == []
    assert ways(await ask(ledger.graph, "k", "m")) == []


async def test_what_cannot_be_judged_is_counted(ledger: Ledger) -> None:
    await ledger.write(
        pay("a", "b", None, block=1),  # type: ignore[arg-type]
        pay("b", "z", 5, block=2),
        given.transfer("a", "b", tx="nowhere", token=USD, block=None, at=None),
        given.transfer("a", "z", tx="untimed", token=USD, block=3, at=None, amount_raw=4),
    )

    found = await ask(ledger.graph, "a", "z")
    by_amount = await ask(ledger.graph, "a", "z", by=PathOrder.AMOUNT, token=USD)
    fastest = await ask(ledger.graph, "a", "z", by=PathOrder.FASTEST)
    window = await ask(ledger.graph, "a", "z", since=at(0) - timedelta(days=1))

    assert ways(found) == [way("a", "z"), way("a", "b", "z")]
    assert found.uncounted == 1
    assert ways(by_amount) == [way("a", "z")]
    assert by_amount.uncounted == 2
    assert ways(fastest) == [way("a", "b", "z")]
    assert ways(window) == [way("a", "b", "z")]


async def test_a_search_sends_few_statements(ledger: Ledger) -> None:
    rungs = [("a", f"b{rung}", f"c{rung}", f"d{rung}", "z") for rung in range(30)]
    await ledger.write(
        *(
            pay(sender, recipient, 5, block=leg + 1, log=number, tx=f"{leg} {number}")
            for number, rung in enumerate(rungs)
            for leg, (sender, recipient) in enumerate(pairwise(rung))
        )
    )

    with counted() as sent:
        found = await ask(ledger.graph, "a", "z", count=30)

    assert len(found.paths) == 30
    assert len(sent) <= 20
