"""Traces over wallets: read as value reaches them, the same as from memory, never past a budget."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import count

import msgspec
import pytest

from graph_api.analysis.tracing.accounts import follow, follow_back
from graph_api.analysis.tracing.limits import Budget, Ended
from graph_api.analysis.tracing.matching import CrossingKind
from graph_api.analysis.tracing.moves import Moves, Seeds
from graph_api.analysis.tracing.pieces import Fate
from graph_api.analysis.tracing.policies import Policy
from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.assets import Asset
from graph_api.domain.categories import Category
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.ids import AccountId, ChainId, TransactionId, TransferId, token_id
from graph_api.domain.labels import claim, on_chain
from graph_api.domain.prices import Price
from graph_api.domain.records import Swap, Transfer
from graph_api.services.tracing.answers import Reading, TraceAnswer, digest
from graph_api.services.tracing.questions import TraceQuestion, Way
from graph_api.services.tracing.running import trace
from graph_api.store import prices
from graph_api.store.graph import Graph
from tests import given
from tests.given import ETHER, ETHEREUM, NOON, NOW, Ledger, transaction_id_of, wallet
from tests.store.test_labels import said

USD, COIN = given.erc20("USD"), given.erc20("COIN")
POLYGON = chain_of("polygon")


def pay(
    sender: str, recipient: str, raw: int, *, block: int, log: int = 0, **rest: object
) -> Transfer:
    """A payment of USD, by default in a transaction of its own."""
    return given.transfer(
        sender,
        recipient,
        amount_raw=raw,
        **{"tx": f"{block}", "token": USD, **rest},  # type: ignore[arg-type]
        log=log,
        block=block,
        at=NOON + block * 1_000,
    )


def id_of(block: int, log: int = 0) -> TransferId:
    """The id of what ``pay`` makes."""
    return TransferId(f"{transaction_id_of(str(block))}:log:{log}")


def ends(found: TraceAnswer) -> dict[tuple[AccountId | None, Fate], int]:
    """What ended where."""
    sums: Counter[tuple[AccountId | None, Fate]] = Counter()
    for end in found.ends:
        sums[found.pieces[end.piece].wallet, end.fate] += int(end.amount_raw)
    return dict(sums)


def balanced(found: TraceAnswer) -> bool:
    """Whether all that began, or crossed over, ended."""
    return all(
        int(one.seed_raw) + int(one.crossed_in_raw) == sum(map(int, one.ends_raw.values()))
        for one in found.sums
    )


async def test_a_trace_follows_units_and_stops_at_services_with_their_names(
    ledger: Ledger,
) -> None:
    await ledger.write(
        pay("bank", "mule", 50, block=1),
        pay("thief", "mule", 100, block=2),
        pay("mule", "shop", 50, block=3),
        pay("mule", "cex", 70, block=4),
        pay("mule", "friend", 30, block=5),
        pay("cex", "somebody", 70, block=6),
        said("cex", "Kraken 3", category=Category.HOT_WALLET),
    )

    found = await trace(ledger.graph, TraceQuestion(transfers=(id_of(2),)), now=NOW)

    assert found.ended is Ended.COMPLETE
    assert ends(found) == {
        (wallet("cex"), Fate.SERVICE): 70,
        (wallet("friend"), Fate.HELD): 30,
    }
    assert balanced(found)
    assert [(party.wallet, party.label) for party in found.parties] == [(wallet("cex"), "Kraken 3")]
    exit = next(end for end in found.ends if end.fate is Fate.SERVICE)
    path = [found.pieces[piece] for piece in found.path(exit.piece)]
    assert [piece.wallet for piece in path] == [wallet("mule"), wallet("cex")]
    assert [piece.transfer for piece in path] == [id_of(2), id_of(4)]
    assert found.as_of[0].block == 6
    assert found.openings == ()
    through = await trace(
        ledger.graph, TraceQuestion(transfers=(id_of(2),), through_services=True), now=NOW
    )
    assert ends(through)[wallet("somebody"), Fate.HELD] == 70


async def test_what_is_asked_as_of_a_block_knows_nothing_of_later_ones(ledger: Ledger) -> None:
    await ledger.write(
        pay("thief", "mule", 100, block=2),
        pay("mule", "a", 60, block=3),
        pay("mule", "b", 40, block=9),
    )

    asked = TraceQuestion(transfers=(id_of(2),), as_of_block=5)
    then = await trace(ledger.graph, asked, now=NOW)
    moment = given.NOW.fromtimestamp((NOON + 3_000) / 1000, tz=NOW.tzinfo)
    timed = TraceQuestion(transfers=(id_of(2),), as_of=moment)
    by_time = await trace(ledger.graph, timed, now=NOW)

    assert ends(then) == {(wallet("a"), Fate.HELD): 60, (wallet("mule"), Fate.HELD): 40}
    assert then.as_of[0].block == 5
    assert ends(by_time) == ends(then)


async def test_a_wallet_is_traced_from_a_moment_on_and_backwards_to_its_sources(
    ledger: Ledger,
) -> None:
    await ledger.write(
        pay("early", "mule", 10, block=1),
        pay("mule", "x", 4, block=2),
        pay("late", "mule", 5, block=5),
        pay("mule", "y", 11, block=6),
        pay("y", "z", 3, block=7),
    )
    mule = TraceQuestion(wallet=wallet("mule"), token=USD)
    since = given.NOW.fromtimestamp((NOON + 4_000) / 1000, tz=NOW.tzinfo)

    forward = await trace(ledger.graph, msgspec.structs.replace(mule, since=since), now=NOW)
    back = await trace(ledger.graph, msgspec.structs.replace(mule, way=Way.BACKWARD), now=NOW)

    assert forward.sums[0].seed_raw == "11"
    assert ends(forward) == {(wallet("y"), Fate.HELD): 8, (wallet("z"), Fate.HELD): 3}
    assert ends(back) == {(wallet("early"), Fate.ORIGIN): 10, (wallet("late"), Fate.ORIGIN): 5}


async def test_fees_leave_what_is_traced_of_a_chains_own_coin(ledger: Ledger) -> None:
    await ledger.write(
        pay("thief", "mule", 100, block=2, token=ETHER),
        given.transaction(
            "mule", "shop", tx="3", value_raw=60, block=3, at=NOON + 3_000, index=0, fee_raw=15
        ),
    )

    found = await trace(ledger.graph, TraceQuestion(transfers=(id_of(2),)), now=NOW)

    assert ends(found) == {
        (None, Fate.FEE): 15,
        (wallet("shop"), Fate.HELD): 60,
        (wallet("mule"), Fate.HELD): 25,
    }


async def test_value_goes_on_through_a_swap(ledger: Ledger) -> None:
    await ledger.write(
        pay("thief", "mule", 100, block=2),
        # The pool pays first, as Uniswap's third version does, and is paid through a router.
        pay("pool", "mule", 7, block=3, log=1, token=COIN),
        pay("mule", "router", 100, block=3, log=2),
        pay("router", "pool", 100, block=3, log=3),
        Swap(
            id=f"{transaction_id_of('3')}:log:4",
            chain=ETHEREUM.id,  # type: ignore[arg-type]
            transaction=transaction_id_of("3"),
            protocol="uniswap_v3",
            pool=wallet("pool"),
            sender=wallet("router"),
            recipient=wallet("mule"),
            amount0_raw=100,
            amount1_raw=-7,
            block_number=3,
            block_time=NOON + 3_000,
        ),
        pay("mule", "stash", 5, block=4, token=COIN),
        pay("pool", "stranger", 50, block=5),
    )
    asked = TraceQuestion(transfers=(id_of(2),))

    found = await trace(ledger.graph, asked, now=NOW)
    plain = msgspec.structs.replace(asked, over_crossings=False)
    without = await trace(ledger.graph, plain, now=NOW)

    assert balanced(found)
    assert ends(found) == {
        (wallet("router"), Fate.CROSSED): 100,
        (wallet("stash"), Fate.HELD): 5,
        (wallet("mule"), Fate.HELD): 2,
    }
    (crossing,) = found.crossings
    assert (crossing.kind, crossing.confidence) == (CrossingKind.SWAP, 0.95)
    held = next(end for end in found.ends if found.pieces[end.piece].wallet == wallet("stash"))
    assert found.confidence(held.piece) == 0.95
    assert ends(without) == {(wallet("stranger"), Fate.HELD): 50, (wallet("pool"), Fate.HELD): 50}


async def test_shares_of_a_pool_are_redeemed_for_all_that_they_stand_for(ledger: Ledger) -> None:
    share = given.erc20("pair")
    await ledger.write(
        given.token("pair"),
        pay("thief", "mule", 100, block=2, token=share),
        pay("saver", "mule", 300, block=3, token=share),
        # Who withdraws sends shares to the contract that issued them, and it burns them.
        pay("mule", "pair", 200, block=4, log=1, token=share, tx="out"),
        burnt(pay("pair", "nobody", 200, block=4, log=2, token=share, tx="out")),
        pay("pair", "mule", 6_000, block=4, log=3, tx="out"),
        pay("pair", "mule", 20, block=4, log=4, token=COIN, tx="out"),
        pay("mule", "stash", 15, block=5, token=COIN),
    )

    found = await trace(ledger.graph, TraceQuestion(transfers=(id_of(2),)), now=NOW)

    assert balanced(found)
    # Half of the shares were stolen, and half of all that they brought is.
    assert ends(found) == {
        (wallet("pair"), Fate.CROSSED): 100,
        (wallet("mule"), Fate.HELD): 3_000,
        (wallet("stash"), Fate.HELD): 10,
    }
    (crossing,) = found.crossings
    transaction = transaction_id_of("out")
    assert set(crossing.got) == {f"{transaction}:log:3", f"{transaction}:log:4"}


@pytest.mark.parametrize("is_priced", [True, False])
async def test_several_tokens_that_are_given_share_by_what_they_cost_then(
    ledger: Ledger, is_priced: bool
) -> None:
    share = given.erc20("pair")
    await ledger.write(
        given.token("pair"),
        given.token("USD", decimals=2),
        given.token("COIN", decimals=0),
        pay("thief", "mule", 30_000, block=2),
        pay("saver", "mule", 10, block=3, token=COIN),
        pay("mule", "pair", 30_000, block=4, log=1, tx="in"),
        pay("mule", "pair", 10, block=4, log=2, token=COIN, tx="in"),
        issued(pay("nobody", "mule", 800, block=4, log=3, token=share, tx="in")),
        pay("mule", "stash", 800, block=5, token=share),
    )
    dollars, coins = (
        Asset(id="usd", symbol="USD", tokens=(USD,)),
        Asset(id="coin", symbol="COIN", tokens=(COIN,)),
    )
    await prices.register(ledger.graph, [dollars, coins])
    known = [Price(asset="usd", usd=Decimal(1), at=NOON, source="a")]
    if is_priced:
        known += [
            Price(asset="coin", usd=Decimal(10), at=NOON, source="a"),
            # What it costs later, or did long ago, does not matter.
            Price(asset="coin", usd=Decimal(99), at=NOON + 60_000, source="a"),
            Price(asset="coin", usd=Decimal(77), at=NOON - 86_400_000, source="a"),
        ]
    await prices.keep(ledger.graph, known)

    found = await trace(ledger.graph, TraceQuestion(transfers=(id_of(2),)), now=NOW)

    assert balanced(found)
    if not is_priced:
        assert ends(found) == {(wallet("pair"), Fate.SERVICE): 30_000}
        (refusal,) = found.refusals
        assert (refusal.transaction, COIN in refusal.reason) == (transaction_id_of("in"), True)
        return
    # 300 dollars of 400.
    assert ends(found) == {
        (wallet("pair"), Fate.CROSSED): 30_000,
        (wallet("stash"), Fate.HELD): 600,
    }
    (crossing,) = found.crossings
    assert crossing.confidence == round(0.95 * 0.9, 3)
    back = TraceQuestion(transfers=(id_of(5),), way=Way.BACKWARD)
    origins = ends(await trace(ledger.graph, back, now=NOW))
    assert origins[wallet("thief"), Fate.ORIGIN] == 30_000
    assert origins[wallet("saver"), Fate.ORIGIN] == 10


def burnt(transfer: Transfer) -> Transfer:
    """The same to nobody."""
    return msgspec.structs.replace(transfer, recipient=AccountId(f"{ETHEREUM.id}:{ZERO_EVM}"))


def issued(transfer: Transfer) -> Transfer:
    """The same from nobody."""
    return msgspec.structs.replace(transfer, sender=AccountId(f"{ETHEREUM.id}:{ZERO_EVM}"))


def over_there(transfer: Transfer, token: str) -> Transfer:
    """The same transfer, of another token, on Polygon."""

    def there(id: str) -> str:
        return id.replace(ETHEREUM.id, POLYGON.id)

    return msgspec.structs.replace(
        transfer,
        id=TransferId(there(transfer.id)),
        chain=ChainId(POLYGON.id),
        transaction=TransactionId(there(transfer.transaction or "")),
        sender=AccountId(there(transfer.sender or "")),
        recipient=AccountId(there(transfer.recipient)),
        token=token_id(POLYGON, given.address(token)),
    )


async def test_value_goes_on_over_a_bridge_to_the_same_address(ledger: Ledger) -> None:
    here = given.token("USD", decimals=6)
    there = msgspec.structs.replace(
        here,
        id=token_id(POLYGON, given.address("USD.e")),
        chain=ChainId(POLYGON.id),
        address=given.address("USD.e"),
    )
    paid_out = pay("relayer", "mule", 995, block=30)
    await ledger.write(
        here,
        there,
        pay("thief", "mule", 1_000, block=2),
        pay("mule", "gate", 1_000, block=3),
        over_there(pay("someone", "mule", 1_000, block=1), "USD.e"),
        over_there(pay("someone", "mule", 300, block=20), "USD.e"),
        over_there(paid_out, "USD.e"),
        over_there(pay("mule", "stash", 1_300, block=40), "USD.e"),
        said("gate", "Some Bridge", category=Category.BRIDGE),
    )
    dollar = Asset(id="usd-coin", symbol="USDC", tokens=(here.id, there.id))
    await prices.register(ledger.graph, [dollar])

    found = await trace(ledger.graph, TraceQuestion(transfers=(id_of(2),)), now=NOW)

    (crossing,) = found.crossings
    assert (crossing.kind, crossing.confidence) == (CrossingKind.BRIDGE, 0.6)
    assert crossing.got == (over_there(paid_out, "USD.e").id,)
    assert balanced(found)
    mule, stash = (wallet(name, chain="polygon") for name in ("mule", "stash"))
    # First in, first out: 1,000 and 300 of others' leave before them.
    assert ends(found) == {(wallet("gate"), Fate.CROSSED): 1_000, (mule, Fate.HELD): 995}
    haircut = TraceQuestion(transfers=(id_of(2),), policy=Policy.HAIRCUT)
    shared = ends(await trace(ledger.graph, haircut, now=NOW))
    assert shared[stash, Fate.HELD] == 995 * 1_300 // 2_295
    assert [as_of.chain for as_of in found.as_of] == sorted([ETHEREUM.id, POLYGON.id])


async def test_what_a_bridge_paid_leads_back_to_the_deposit(ledger: Ledger) -> None:
    here = given.token("USD", decimals=6)
    there = msgspec.structs.replace(
        here,
        id=token_id(POLYGON, given.address("USD.e")),
        chain=ChainId(POLYGON.id),
        address=given.address("USD.e"),
    )
    paid_out = over_there(pay("relayer", "mule", 995, block=30), "USD.e")
    friendly = over_there(pay("friend", "mule", 990, block=31), "USD.e")
    await ledger.write(
        here,
        there,
        pay("thief", "mule", 3_000, block=2),
        # Into the bridge, but too early, too late and too much; and as much, but to somebody else.
        pay("mule", "gate", 1_000, block=40, tx="late"),
        pay("mule", "shop", 1_000, block=3),
        pay("mule", "gate", 1_000, block=4),
        over_there(pay("funder", "relayer", 5_000, block=1), "USD.e"),
        over_there(pay("funder", "friend", 5_000, block=2), "USD.e"),
        paid_out,
        friendly,
        said("gate", "Some Bridge", category=Category.BRIDGE),
        claim(
            on_chain(POLYGON, given.address("relayer")),
            "Some Bridge",
            source="tests",
            confidence=0.9,
            category=Category.BRIDGE,
        ),
    )
    dollar = Asset(id="usd-coin", symbol="USDC", tokens=(here.id, there.id))
    await prices.register(ledger.graph, [dollar])
    asked = TraceQuestion(transfers=(paid_out.id, friendly.id), way=Way.BACKWARD)

    found = await trace(ledger.graph, asked, now=NOW)

    (crossing,) = found.crossings
    assert (crossing.kind, crossing.confidence) == (CrossingKind.BRIDGE, 0.45)
    assert (crossing.paid, crossing.got) == ((id_of(4),), (paid_out.id,))
    assert balanced(found)
    assert ends(found) == {
        (wallet("relayer", chain="polygon"), Fate.CROSSED): 995,
        (wallet("thief"), Fate.ORIGIN): 1_000,
        # What a friend paid is his, though it would fit the deposit.
        (wallet("funder", chain="polygon"), Fate.ORIGIN): 990,
    }


@pytest.fixture
async def crowd(ledger: Ledger) -> tuple[Graph, list[Transfer]]:
    """A seeded crowd that pays each other, several payments a block, some of them in a circle."""
    chance, blocks = random.Random(5), count(1)
    names = [f"w{number}" for number in range(12)]
    made = []
    for block in blocks:
        for log in range(3):
            sender, recipient = chance.choice(names), chance.choice(names)
            made.append(pay(sender, recipient, chance.randrange(1, 50), block=block, log=log))
        if len(made) >= 90:
            break
    await ledger.write(given.token("USD", decimals=6), *made)
    return ledger.graph, made


@pytest.mark.parametrize(
    ("seeds", "reading"), [((20,), Reading.WALLETS), (tuple(range(20, 32)), Reading.TOKEN)]
)
async def test_reading_as_value_goes_agrees_with_all_movements_in_memory(
    crowd: tuple[Graph, list[Transfer]], seeds: tuple[int, ...], reading: Reading
) -> None:
    graph, made = crowd
    wallets = sorted({one for row in made for one in (row.sender, row.recipient) if one})
    numbers = {one: number for number, one in enumerate(wallets)}
    moves = Moves(
        places=len(wallets),
        senders=[numbers[row.sender] for row in made if row.sender],
        recipients=[numbers[row.recipient] for row in made],
        amounts=[row.amount_raw or 0 for row in made],
        transactions=[row.block_number or 0 for row in made],
    )
    readings = set()
    for policy in Policy:
        for way, walk in ((Way.FORWARD, follow), (Way.BACKWARD, follow_back)):
            asked = TraceQuestion(
                transfers=tuple(made[seed].id for seed in seeds), policy=policy, way=way
            )
            found = await trace(graph, asked, now=NOW)
            again = await trace(graph, asked, now=NOW)
            memory = walk(moves, Seeds(events=frozenset(seeds)), policy=policy)

            counted: Counter[tuple[AccountId, Fate]] = Counter()
            for piece, raw, fate in memory.ends:
                counted[wallets[memory.pieces[piece].place], fate] += raw  # type: ignore[assignment]
            assert ends(found) == counted
            assert digest(found) == digest(again)
            readings.add(found.reading)
    assert reading in readings


@pytest.mark.parametrize(
    ("budget", "ended"),
    [
        (Budget(events=3), Ended.EVENTS),
        (Budget(wallets=1), Ended.WALLETS),
        (Budget(pieces=1), Ended.PIECES),
        (Budget(seconds=20), Ended.SECONDS),
    ],
)
async def test_a_budget_that_is_spent_leaves_an_answer_in_part(
    ledger: Ledger, budget: Budget, ended: Ended
) -> None:
    await ledger.write(
        *(pay(f"w{n}", f"w{n + 1}", 100, block=n) for n in range(1, 8)),
        *(pay(f"s{n}", f"w{n}", 1, block=20 + n) for n in range(1, 8)),
    )
    seconds = count()

    found = await trace(
        ledger.graph,
        TraceQuestion(transfers=(id_of(1),)),
        now=NOW,
        budget=budget,
        seconds=lambda: next(seconds),
    )

    assert found.ended is ended
    assert balanced(found)
    assert Fate.OPEN in {end.fate for end in found.ends}


async def test_it_goes_on_from_no_hub(ledger: Ledger) -> None:
    await ledger.write(
        pay("thief", "hub", 9, block=1), *(pay("hub", f"w{n}", 1, block=2 + n) for n in range(9))
    )

    found = await trace(ledger.graph, TraceQuestion(transfers=(id_of(1),), hub=9), now=NOW)

    assert ends(found) == {(wallet("hub"), Fate.HUB): 9}


async def test_what_cannot_be_traced_says_why(ledger: Ledger) -> None:
    await ledger.write(pay("a", "b", 1, block=1), pay("a", "b", 2, block=2, token=None))
    graph = ledger.graph

    with pytest.raises(NotFound, match="No transfer of"):
        await trace(graph, TraceQuestion(transfers=(id_of(7),)), now=NOW)
    with pytest.raises(BadInput, match="the token of"):
        await trace(graph, TraceQuestion(transfers=(id_of(2),)), now=NOW)
    for wrong in (
        {},
        {"wallet": wallet("a")},
        {"transfers": (id_of(1),), "wallet": wallet("a")},
        {"transfers": (id_of(1),), "max_hops": 0},
        {"transfers": (id_of(1),), "since": NOW, "until": NOW - timedelta(days=1)},
    ):
        with pytest.raises(BadInput):
            TraceQuestion(**wrong)
