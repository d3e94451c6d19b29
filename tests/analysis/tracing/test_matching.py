"""Both sides of swaps and of bridge transfers, and what is none."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import msgspec

from graph_api.analysis.tracing.matching import (
    CrossingKind,
    Moved,
    bridged,
    bridged_back,
    issuers,
    swaps,
)
from graph_api.analysis.tracing.order import FEE, Order, behind, by_time, place_of

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def moved(id: str, sender: str | None, recipient: str | None, token: str, raw: int) -> Moved:
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


def test_several_tokens_are_given_or_got_together() -> None:
    withdrawn = [
        moved("1", "alice", "pool", "SHARE", 10),
        moved("2", "pool", None, "SHARE", 10),
        moved("3", "pool", "alice", "USD", 40),
        moved("4", "pool", "alice", "COIN", 40),
    ]
    added = [
        moved("1", "alice", "pool", "USD", 40),
        moved("2", "alice", "pool", "COIN", 40),
        moved("3", None, "fees", "SHARE", 1),
        moved("4", None, "alice", "SHARE", 9),
    ]
    contracts = {"SHARE": "pool", "USD": "usd", "COIN": "coin"}

    assert issuers(withdrawn, contracts) == issuers(added, contracts) == {"pool"}
    (out,), (into,) = swaps(withdrawn, {"pool"}), swaps(added, {"pool"})
    assert (out.paid, out.got) == (("1",), ("3", "4"))
    assert (into.paid, into.got) == (("1", "2"), ("4",))
    shared = into.by_worth({"USD": Fraction(40), "COIN": Fraction(1)})
    assert shared.worths["USD"] == 40
    assert shared.confidence < into.confidence


def test_who_is_paid_for_what_he_issued_elsewhere_issues_nothing() -> None:
    contracts = {"SHARE": "pool", "USD": "usd"}

    assert issuers([moved("1", "alice", "bob", "SHARE", 1)], contracts) == set()
    # A token that comes into being, and a payment between others beside it.
    minted = [moved("1", None, "alice", "USD", 5), moved("2", "alice", "bob", "SHARE", 1)]
    assert issuers(minted, contracts) == set()


def test_who_only_passes_on_is_no_trader_beside_who_began() -> None:
    unwrapped = [
        moved("1", "pool", "router", "WRAPPED", 7),
        moved("2", "router", "alice", "COIN", 7),
        moved("3", "alice", "pool", "USD", 10),
    ]

    (own,) = swaps(unwrapped, {"pool"}, first=["alice", "router"])
    (other,) = swaps(unwrapped, {"pool"}, first=["router"])

    assert (own.paid, own.got) == (("3",), ("2",))
    assert (other.paid, other.got) == (("2",), ("1",))


def test_what_comes_back_as_nothing_is_no_swap() -> None:
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
    # What a bridge pays comes before what is nearer.
    assert (unsure.got, unsure.confidence) == (("one",), 0.45)


def test_a_payout_leads_back_to_what_had_reached_a_bridge() -> None:
    def sent(id: str, before: timedelta, units: str) -> Moved:
        return Moved(
            id=id,
            sender="there",
            recipient="gate",
            token="USD",
            amount_raw=1,
            at=NOON - before,
            units=Fraction(units),
        )

    minute = timedelta(minutes=1)
    got = msgspec.structs.replace(sent("got", timedelta(), "99"), sender="vault", recipient="there")
    wrong = [
        sent("later", -minute, "99.5"),
        sent("long ago", 3 * 60 * minute, "99.5"),
        sent("less", minute, "98.9"),
        sent("too much", minute, "102"),
    ]
    right = [sent("near", 9 * minute, "99.5"), sent("far", minute, "100")]

    sure = bridged_back(got, [*wrong, right[0]], bridges={"vault"})
    several = bridged_back(got, [*wrong, *right], bridges=())

    assert bridged_back(got, wrong, bridges={"vault"}) is None
    assert sure is not None
    assert (sure.paid, sure.got, sure.confidence) == (("near",), ("got",), 0.9)
    assert several is not None
    assert (several.paid, several.confidence) == (("near",), 0.3)


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
