"""What is taken for OTC, and what only looks like it."""

from decimal import Decimal
from typing import Any

import pytest

from graph_api.analysis.otc import Desk, Moved, find
from graph_api.analysis.sizes import bucket_of
from graph_api.domain.otc import Reason, Rules

DESKS = {
    "desk": Desk("d", "otc_desk"),
    "desk too": Desk("d", "otc_desk"),
    "maker": Desk("m", "market_maker"),
}
ZERO = "eip155:1:0x" + "0" * 40
RULES = Rules(floor_usd=Decimal(1_000))
RARE = {("coin", 1): bucket_of(1_000)}


def moved(sender: str | None, recipient: str, **rest: Any) -> Moved:
    whole: dict[str, Any] = {
        "id": f"{sender} {recipient}",
        "transaction": "tx",
        "token": "coin",
        "amount_raw": 991,
        "usd": Decimal(1_000),
        "block_time": 86_400_000,
    }
    return Moved(sender=sender, recipient=recipient, **whole | rest)


@pytest.mark.parametrize(
    ("move", "reasons"),
    [
        (moved("desk", "bob"), ["desk"]),
        (moved("bob", "maker"), ["desk"]),
        (moved("desk", "maker"), ["desk"]),
        (moved("desk", "desk too"), []),
        (moved("desk", "bob", amount_raw=0), []),
        (moved("desk", "bob", amount_raw=None), []),
        (moved("desk", "desk"), []),
        (moved(None, "desk"), []),
        (moved("bob", "carol"), []),
        (moved("bob", "carol", amount_raw=1_000), ["large"]),
        (moved("desk", "carol", amount_raw=1_000), ["desk", "large"]),
        (moved("bob", "carol", amount_raw=1_000, usd=Decimal("999.999999")), []),
        (moved("bob", "carol", amount_raw=1_000, usd=None), []),
        (moved("bob", "carol", amount_raw=1_000, block_time=86_399_999), []),
        (moved("bob", "carol", amount_raw=1_000, block_time=None), []),
        (moved("bob", "carol", amount_raw=1_000, token="other"), []),
        (moved("bob", "bob", amount_raw=1_000), []),
        (moved(ZERO, "carol", amount_raw=1_000), []),
        (moved("bob", ZERO, amount_raw=1_000), []),
        (moved(None, "carol", amount_raw=1_000), []),
    ],
)
def test_a_transfer_is_taken_for_otc(move: Moved, reasons: list[str]) -> None:
    found = find([move], desks=DESKS, rare=RARE, rules=RULES)

    assert [reason.value for one in found.values() for reason in one.reasons] == reasons


def test_both_legs_of_a_deal_in_one_transaction_name_each_other() -> None:
    legs = [
        moved("desk", "bob", id="there", token="coin"),
        moved("bob", "desk", id="back", token="dollar"),
        moved("bob", "maker", id="other", token="dollar"),
        moved("bob", "carol", id="a", token="coin"),
        moved("carol", "bob", id="b", token="dollar"),
        moved("desk", "dave", id="refunded", token="coin"),
        moved("dave", "desk", id="refund", token="coin"),
        moved("desk", "erin", id="now", token="coin"),
        moved("erin", "desk", id="later", token="dollar", transaction="another"),
    ]

    found = find(legs, desks=DESKS, rare={}, rules=RULES)

    assert {id: one.counter for id, one in found.items()} == {
        "there": "back",
        "back": "there",
        "other": None,
        "refunded": None,
        "refund": None,
        "now": None,
        "later": None,
    }
    assert found["there"].reasons == (Reason.DESK, Reason.EXCHANGE)
    assert found["other"].desks == (DESKS["maker"],)
