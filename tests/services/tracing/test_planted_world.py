"""Thefts of a whole planted world: every exit is found forwards, and leads back to the theft."""

from collections import Counter
from datetime import timedelta

import pytest

from deskgraph.planted.making import planted_world
from deskgraph.planted.world import Loot, World
from graph_api.analysis.tracing.limits import Ended
from graph_api.analysis.tracing.pieces import Fate
from graph_api.domain.assets import Asset
from graph_api.domain.ids import AccountId, TokenId, TransferId
from graph_api.domain.records import Token, Transfer
from graph_api.services.tracing.answers import TraceAnswer
from graph_api.services.tracing.questions import TraceQuestion, Way
from graph_api.services.tracing.running import trace
from graph_api.store import prices
from tests.given import NOW, Ledger
from tests.services.tracing.test_accounts import balanced

LATER = NOW + timedelta(days=365)


@pytest.fixture
async def world(ledger: Ledger) -> World:
    """A small world in the graph, whose dollars stand for one asset on both chains."""
    made = planted_world(2, size=40)
    await ledger.write(*made.records)
    dollars = [one.id for one in made.records if isinstance(one, Token) and one.symbol == "USDX"]
    await prices.register(ledger.graph, [Asset(id="usdx", symbol="USDX", tokens=tuple(dollars))])
    return made


def exits_of(found: TraceAnswer) -> dict[tuple[AccountId | None, TokenId], int]:
    """What left at services."""
    sums: Counter[tuple[AccountId | None, TokenId]] = Counter()
    for end in found.ends:
        if end.fate is Fate.SERVICE:
            piece = found.pieces[end.piece]
            sums[piece.wallet, piece.token] += int(end.amount_raw)
    return dict(sums)


def planted(loot: Loot) -> dict[tuple[AccountId | None, TokenId], int]:
    """What should have."""
    sums: Counter[tuple[AccountId | None, TokenId]] = Counter()
    for one in loot.exits:
        sums[one.wallet, one.token] += one.amount_raw
    return dict(sums)


async def test_thefts_are_followed_to_their_exits_and_exits_back_to_their_thefts(
    ledger: Ledger, world: World
) -> None:
    into = {
        (one.recipient, one.token, one.amount_raw): one
        for one in world.records
        if isinstance(one, Transfer)
    }
    for loot in world.truth.loots:
        found = await trace(ledger.graph, TraceQuestion(transfers=loot.seeds), now=LATER)

        assert found.ended is Ended.COMPLETE
        assert balanced(found)
        assert exits_of(found) == planted(loot)
        assert len(found.crossings) == len(loot.swaps) + len(loot.bridges)

        last = loot.exits[-1]
        landed = into[last.wallet, last.token, last.amount_raw]
        back = await trace(
            ledger.graph,
            TraceQuestion(transfers=(TransferId(landed.id),), way=Way.BACKWARD),
            now=LATER,
        )
        assert balanced(back)
        assert any(piece.transfer in loot.seeds for piece in back.pieces)
