"""Random worlds of movements and of coins, small enough to count every unit of them."""

from hypothesis import strategies as st

from graph_api.analysis.tracing.coins import Coin, Spending
from graph_api.analysis.tracing.moves import Moves
from graph_api.analysis.tracing.pieces import NONE

PLACES = 6


@st.composite
def moves(draw: st.DrawFn, *, most: int = 25, fees: bool = True) -> Moves:
    """Movements between a few places, some of them issues and fees, several in a transaction."""
    count = draw(st.integers(1, most))
    place = st.integers(0, PLACES - 1)
    senders = draw(
        st.lists(st.one_of(place, place, place, st.just(NONE)), min_size=count, max_size=count)
    )
    ends = st.one_of(place, place, place, st.just(NONE)) if fees else place
    recipients = [draw(place) if sender == NONE else draw(ends) for sender in senders]
    amounts = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
    starts = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    transactions, number = [], 0
    for is_new in starts:
        number += is_new
        transactions.append(number)
    return Moves(
        places=PLACES,
        senders=senders,
        recipients=recipients,
        amounts=amounts,
        transactions=transactions,
    )


@st.composite
def spendings(draw: st.DrawFn, *, fees: bool = True) -> list[Spending]:
    """Transactions that spend coins of earlier ones, after a few that make coins of nothing."""
    unspent: list[Coin] = []
    made: list[Spending] = []
    number = 0
    for _ in range(draw(st.integers(2, 12))):
        spent = draw(st.integers(0, min(3, len(unspent))))
        inputs = [unspent.pop(draw(st.integers(0, len(unspent) - 1))) for _ in range(spent)]
        left = sum(raw or 0 for _, raw in inputs) if inputs else draw(st.integers(1, 30))
        outputs: list[Coin] = []
        for _ in range(draw(st.integers(1, 4))):
            raw = draw(st.integers(0, left))
            outputs.append((number, raw))
            number, left = number + 1, left - raw
        if left and (not inputs or not fees or draw(st.booleans())):
            outputs.append((number, left))
            number += 1
        unspent += outputs
        made.append(Spending(inputs, outputs))
    return made
