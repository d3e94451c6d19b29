"""Traces over coins: in the order of inputs, forward and back, to services and to unspent coins."""

import pytest

from graph_api.analysis.tracing.coins import CoinSeeds, Spending, follow_coins, follow_coins_back
from graph_api.analysis.tracing.limits import Budget, Ended
from graph_api.analysis.tracing.pieces import NONE, Fate
from graph_api.analysis.tracing.policies import Policy
from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.ids import AccountId, ChainId, TransactionId, TransferId, output_id
from graph_api.domain.labels import claim, on_chain
from graph_api.domain.records import Label, Output, Spend, UtxoTransaction
from graph_api.services.tracing.questions import TraceQuestion, Way
from graph_api.services.tracing.running import trace
from graph_api.store.graph import Graph
from tests.given import BITCOIN, NOON, NOW, Ledger
from tests.services.tracing.test_accounts import balanced, ends

ALICE, BOB, CAROL, VENUE = (
    AccountId(f"{BITCOIN.id}:{address}")
    for address in (
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "12cbQLTFMXRnSzktFkuoG3eHoMeFtpTu3S",
        "1HLoD9E4SDFFPDiYfNYnkBLQ85Y51J3Zb1",
        "1FfmbHfnpaZjKFvyi1okTjJJusN455paPH",
    )
)


def transaction(
    number: int, inputs: list[tuple[UtxoTransaction, int]], *outputs: tuple[AccountId, int]
) -> UtxoTransaction:
    """A transaction in a block of its own; without inputs it makes coins of nothing."""
    identity = TransactionId(f"{BITCOIN.id}:{number:064x}")
    return UtxoTransaction(
        id=identity,
        chain=ChainId(BITCOIN.id),
        hash=f"{number:064x}",
        block_number=number,
        block_time=NOON + number * 1_000,
        index=0,
        coinbase=not inputs,
        inputs=tuple(
            Spend(output=one.id, owner=one.owner, amount_raw=one.amount_raw)
            for maker, place in inputs
            for one in [maker.outputs[place]]
        ),
        outputs=tuple(
            Output(id=output_id(identity, place), owner=owner, amount_raw=raw)
            for place, (owner, raw) in enumerate(outputs)
        ),
    )


def chain() -> list[UtxoTransaction]:
    """Bob spends a coin of his before the one that Alice had sent him, and pays a venue."""
    alices = transaction(1, [], (ALICE, 30))
    bobs = transaction(2, [], (BOB, 20))
    sent = transaction(3, [(alices, 0)], (BOB, 29))
    paid = transaction(4, [(bobs, 0), (sent, 0)], (VENUE, 25), (CAROL, 20), (BOB, 3))
    on = transaction(5, [(paid, 1)], (ALICE, 20))
    return [alices, bobs, sent, paid, on]


def exchange() -> Label:
    """The venue is one."""
    subject = on_chain(BITCOIN, VENUE.rpartition(":")[2])
    return claim(subject, "Mt. Gox", source="tests", confidence=0.9, category=Category.EXCHANGE)


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """All of that, loaded."""
    await ledger.write(*chain(), exchange())
    return ledger.graph


async def test_units_are_followed_in_the_order_of_inputs_to_services_and_unspent_coins(
    town: Graph,
) -> None:
    alices, *_ = chain()
    asked = TraceQuestion(outputs=(alices.outputs[0].id,))

    found = await trace(town, asked, now=NOW)
    again = await trace(town, TraceQuestion(transaction=alices.id), now=NOW)
    of_wallet = await trace(town, TraceQuestion(wallet=ALICE), now=NOW)

    assert (found.ended, found.unordered) == (Ended.COMPLETE, 0)
    # A fee of 1; then 20 of Bob's own come first: 5, 20 and 3 of Alice's 29 are left, 1 is a fee.
    assert ends(found) == {
        (None, Fate.FEE): 2,
        (VENUE, Fate.SERVICE): 5,
        (ALICE, Fate.HELD): 20,
        (BOB, Fate.HELD): 3,
    }
    assert balanced(found)
    assert [party.label for party in found.parties] == ["Mt. Gox"]
    assert again.pieces == found.pieces
    assert of_wallet.sums[0].seed_raw == "30"


async def test_backwards_it_leads_to_where_coins_came_into_being(town: Graph) -> None:
    *_, paid, _ = chain()
    asked = TraceQuestion(outputs=(paid.outputs[0].id,), way=Way.BACKWARD)

    found = await trace(town, asked, now=NOW)

    assert ends(found) == {(None, Fate.ISSUED): 25}
    makers = {piece.transaction for piece in found.pieces if piece.wallet is None}
    assert makers == {one.id for one in chain()[:2]}


async def test_it_agrees_with_all_transactions_in_memory(town: Graph) -> None:
    world = chain()
    ids = [output.id for one in world for output in one.outputs]
    numbers = {id: number for number, id in enumerate(ids)}
    owners = {output.id: output.owner for one in world for output in one.outputs}
    spendings = [
        Spending(
            [(numbers[spend.output], spend.amount_raw) for spend in one.inputs],
            [(numbers[output.id], output.amount_raw) for output in one.outputs],
        )
        for one in world
    ]
    barred = {numbers[id]: Fate.SERVICE for id, owner in owners.items() if owner == VENUE}
    for policy in Policy:
        for way, walk in ((Way.FORWARD, follow_coins), (Way.BACKWARD, follow_coins_back)):
            seed = world[0 if way is Way.FORWARD else 4].outputs[0]
            found = await trace(
                town, TraceQuestion(outputs=(seed.id,), policy=policy, way=way), now=NOW
            )
            memory = walk(
                spendings,
                CoinSeeds(coins={numbers[seed.id]: seed.amount_raw}),
                policy=policy,
                barred=barred,
            )
            there = sorted(
                (ids[memory.pieces[end.piece].place], end.amount, end.fate)
                for end in memory.ends
                if memory.pieces[end.piece].place != NONE
            )
            here = sorted(
                (output, int(end.amount_raw), end.fate)
                for end in found.ends
                if (output := found.pieces[end.piece].output) is not None
            )
            assert here == there


async def test_bounds_and_budgets_hold_for_coins_too(town: Graph) -> None:
    alices, *_ = chain()
    seed = (alices.outputs[0].id,)

    early = await trace(town, TraceQuestion(outputs=seed, as_of_block=3), now=NOW)
    short = await trace(
        town, TraceQuestion(outputs=seed), now=NOW, budget=Budget(events=1, wallets=1)
    )

    assert ends(early) == {(None, Fate.FEE): 1, (BOB, Fate.HELD): 29}
    assert short.ended is Ended.WALLETS
    assert (BOB, Fate.OPEN) in ends(short)
    with pytest.raises(NotFound, match="not loaded"):
        await trace(town, TraceQuestion(outputs=(f"{alices.id}:7",)), now=NOW)
    with pytest.raises(BadInput, match="our allocation"):
        TraceQuestion(transfers=(TransferId(f"{alices.id}:out:0"),))
