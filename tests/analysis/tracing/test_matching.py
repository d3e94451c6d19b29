"""Both sides of swaps and of bridge transfers, and what is none."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from graph_api.analysis.tracing.matching import CrossingKind, Moved, bridged, swaps
from graph_api.analysis.tracing.order import FEE, Order, behind, by_time, place_of

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def moved(id: str, sender: str | None, recipient: str, token: str, raw: int) -> Moved:
    """A movement of a transaction."""
    return Moved(id=id, sender=sender, recipient=recipient, token=token, amount_raw=raw)


def test_a_swap_is_what_a_trader_gave_and_got_whoever_stands_between() -> None:
    through_router = [
        moved("1", "pool", "alice", "COIN", 40),
        moved("2", "alice", "router", "USD", 10),
        moved("3", "router", "pool", "USD", 10),
    ]
    to_another = [moved("1", "alice", "pool", "USD", 10), moved("2", "pool", "bob", "COIN", 40)]

    (own,), (other,) = swaps(through_router, {"pool"}), swaps(to_another, {"pool"})

    assert (own.kind, own.paid, own.got) == (CrossingKind.SWAP, ("2",), ("1",))
    assert (other.paid, other.got) == (("1",), ("2",))
    assert own.confidence > other.confidence


def test_what_comes_back_as_several_tokens_or_as_none_is_no_swap() -> None:
    withdrawn = [
        moved("1", "alice", "pool", "SHARE", 10),
        moved("2", "pool", "alice", "USD", 40),
        moved("3", "pool", "alice", "COIN", 40),
    ]

    assert swaps(withdrawn, {"pool"}) == []
    assert swaps([moved("1", "alice", "pool", "USD", 10)], {"pool"}) == []
    # Value that only passes through is neither given nor got.
    assert swaps([moved("1", "a", "b", "USD", 3), moved("2", "b", "a", "USD", 3)], {"pool"}) == []


def test_a_bridge_pays_the_same_address_soon_and_not_more() -> None:
    def receipt(id: str, after: timedelta, units: str, sender: str = "bridge") -> Moved:
        return Moved(
            id=id,
            sender=sender,
            recipient="there",
            token="USD",
            amount_raw=1,
            at=NOON + after,
            units=Fraction(units),
        )

    paid = receipt("paid", timedelta(), "100")
    minute = timedelta(minutes=1)
    wrong = [
        receipt("early", -minute, "100"),
        receipt("late", 3 * 60 * minute, "100"),
        receipt("more", minute, "100.1"),
        receipt("less", minute, "97"),
    ]

    sure = bridged(paid, [*wrong, receipt("right", 9 * minute, "99.5")], bridges={"bridge"})
    unsure = bridged(
        paid,
        [receipt("one", minute, "99"), receipt("two", minute, "99.5", "someone")],
        bridges={"bridge"},
    )

    assert bridged(paid, wrong, bridges={"bridge"}) is None
    assert sure is not None
    assert (sure.got, sure.confidence) == (("right",), 0.9)
    assert unsure is not None
    assert (unsure.got, unsure.confidence) == (("two",), 0.3)


def test_movements_are_ordered_by_block_transaction_and_position() -> None:
    def place(id: str, position: str, block: int | None = 5, index: int | None = 1) -> Order:
        return place_of(id=id, position=position, block_number=block, block_time=NOON, index=index)

    ordered = [
        place("a", "log:9", block=4),
        place("a", "log:900", index=0),
        place("a", FEE),
        place("a", "native"),
        place("a", "trace:0.2"),
        place("a", "trace:0.10"),
        place("a", "log:2"),
        place("b", "log:2"),
        place("a", "log:10"),
        place("a", "native", index=None),
        place("a", "log:1", block=None),
    ]

    assert ordered == sorted(ordered)
    early = place_of(id="x", position="log:1", block_number=1, block_time=NOON, index=0)
    late = place_of(id="y", position="log:2", block_number=1, block_time=NOON, index=0)
    assert (
        late
        < behind(early, late)
        < place_of(id="z", position="log:3", block_number=1, block_time=NOON, index=0)
    )
    assert by_time(early, "b") > by_time(late, "a")
