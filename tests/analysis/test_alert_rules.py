"""Rules are found by what an event names, and none is overlooked that would find something."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest

from graph_api.analysis.alert_rules.facts import Claim, Known, Owner, TokenFacts
from graph_api.analysis.alert_rules.happenings import (
    Freeze,
    Froze,
    Happening,
    Moved,
    Ticked,
    cause_of,
    happening_of,
    is_retraction,
)
from graph_api.analysis.alert_rules.index import RuleIndex
from graph_api.analysis.alert_rules.rules import RULES, kind_for
from graph_api.analysis.alert_rules.totals import actor_flow
from graph_api.analysis.alert_rules.transfers import large_transfer
from graph_api.domain.alerts import (
    ActorFlow,
    AnyCondition,
    BalanceThreshold,
    Direction,
    DormantWakes,
    IssuerFreeze,
    LargeTransfer,
    NewCounterparty,
    PriceMove,
    Rule,
    SanctionedCounterparty,
    Severity,
    Size,
    Subjects,
    WatchedMoved,
    check,
)
from graph_api.domain.amounts import exact_units
from graph_api.domain.errors import BadInput
from graph_api.domain.events import Event, Topic
from graph_api.domain.ids import ChainId, TransferId, account_id
from graph_api.domain.prices import Price
from graph_api.domain.records import ActorType
from tests.given import BITCOIN, ETHER, ETHEREUM, erc20, transfer, wallet

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
WORKSPACES = ("one", "two")
PEOPLE = [f"person {number}" for number in range(12)]
TOKENS = [ETHER, erc20("a"), erc20("b")]


def moved(
    sender: str | None = "alice",
    recipient: str = "bob",
    *,
    amount_raw: int | None = 10**18,
    token: Any = ETHER,
) -> Moved:
    made = transfer("x", recipient, tx="tx", amount_raw=amount_raw, token=token)
    return Moved(
        id=TransferId(made.id),
        chain=ChainId(ETHEREUM.id),
        position=made.position,
        sender=None if sender is None else wallet(sender),
        recipient=made.recipient,
        token=token,
        amount_raw=amount_raw,
        at=NOON,
        block_number=100,
        block_hash=None,
    )


def rule(number: int, condition: AnyCondition, workspace: str) -> Rule:
    return Rule(
        id=f"{number:04d}",
        workspace=workspace,
        principal="somebody",
        name="Some rule",
        condition=condition,
        severity=Severity.INFO,
        created_at=NOON,
        changed_at=NOON,
        judges_from=NOON,
    )


def conditions(random: Random) -> Iterator[AnyCondition]:
    """Any conditions whatever, most of which name somebody."""
    while True:
        subjects = Subjects(
            wallets=tuple(wallet(random.choice(PEOPLE)) for _ in range(random.randrange(3))),
            actors=tuple(random.sample(["acme", "other"], random.randrange(2))),
            actor_types=(ActorType.OTC_DESK,) if random.random() < 0.1 else (),
            watchlist=f"list {random.randrange(3)}" if random.random() < 0.2 else None,
        )
        size = Size(
            tokens=tuple(random.sample(TOKENS, random.randrange(3))),
            min_amount_raw=random.choice((None, 1, 5, 9)),
        )
        direction = random.choice(list(Direction))
        named = subjects if subjects != Subjects() else Subjects(wallets=(wallet("person 1"),))
        yield from (
            LargeTransfer(size=size),
            WatchedMoved(subjects=named, direction=direction, size=size),
            NewCounterparty(subjects=named, direction=direction, size=size),
            SanctionedCounterparty(subjects=subjects, direction=direction, size=size),
            DormantWakes(idle_s=1, subjects=subjects, size=size),
            BalanceThreshold(wallet=wallet(random.choice(PEOPLE)), token=ETHER, below_raw=5),
            PriceMove(asset=random.choice(("gold", "tin")), window_s=60, min_change_bps=1),
            IssuerFreeze(tokens=size.tokens, subjects=subjects),
        )


def happenings(random: Random) -> Iterator[Happening]:
    while True:
        sender, recipient = random.sample(PEOPLE, 2)
        token = random.choice([*TOKENS, None])
        yield moved(sender, recipient, token=token, amount_raw=random.choice((None, 0, 4, 5, 10)))
        asset = random.choice(("gold", "tin"))
        price = Price(asset=asset, usd=Decimal(2), at=1_000, source="a")
        yield Ticked(price=price, symbol=asset)
        yield Froze(
            id="log",
            chain=ChainId(ETHEREUM.id),
            what=Freeze.FROZEN,
            wallet=wallet(sender),
            token=token or ETHER,
            issuer=None,
            amount_raw=None,
            at=NOON,
            block_number=1,
            block_hash=None,
        )


@pytest.mark.parametrize("seed", range(3))
def test_the_index_overlooks_no_rule_that_finds_something(seed: int) -> None:
    random = Random(seed)
    made = zip(range(200), conditions(random), strict=False)
    rules = [rule(number, one, random.choice(WORKSPACES)) for number, one in made]
    index = RuleIndex(rules)
    owners = {
        wallet("person 0"): Owner("acme", "Acme", "otc_desk"),
        wallet("person 1"): Owner("other", "Other", "exchange"),
    }
    lists = {
        wallet("person 2"): [("one", "list 0"), ("two", "list 1")],
        "other": [("one", "list 2")],
    }
    sanctions = {wallet("person 3"): Claim("Evil", "list")}
    looked_at = found_at_all = 0
    for _, happening in zip(range(600), happenings(random), strict=False):
        found = index.find(happening, owners=owners, lists=lists, sanctions=sanctions)
        names = [(one.workspace, one.id) for one, _ in found]
        assert names == sorted(set(names))
        looked_at += len(found)
        for one in rules:
            kind = kind_for(one.condition)
            known = Known(
                owners={key: owners[key] for key in happening.wallets if key in owners},
                lists={
                    key: frozenset(
                        id
                        for name in (key, owners[key].id if key in owners else "")
                        for workspace, id in lists.get(name, ())
                        if workspace == one.workspace
                    )
                    for key in happening.wallets
                },
                sanctions=sanctions,
                met=False,
                last_at=NOON - timedelta(days=1),
                course=(Price(asset="gold", usd=Decimal(1), at=1, source="a"),),
            )
            finds = kind.judges(happening) and kind.judge(one.condition, happening, known)
            if finds:
                found_at_all += 1
                assert (one.workspace, one.id) in names, one.condition
    assert found_at_all > 1_000
    assert looked_at < 600 * len(rules) / 4


def test_a_rule_that_names_nobody_it_meets_is_never_looked_at() -> None:
    rules = [
        rule(number, WatchedMoved(subjects=Subjects(wallets=(wallet(f"w {number}"),))), "one")
        for number in range(2_000)
    ]
    index = RuleIndex(rules)

    found = index.find(moved("w 7", "nobody"), owners={}, lists={}, sanctions={})

    assert [one.id for one, _ in found] == ["0007"]


def test_every_condition_has_a_kind_and_a_word_of_its_own() -> None:
    assert {kind.condition for kind in RULES} == {*AnyCondition.__args__}
    words = {str(kind.condition.__struct_config__.tag) for kind in RULES}
    assert len(words) == len(RULES)


def test_sizes_are_compared_exactly() -> None:
    token, price = TokenFacts("ETH", 18), Price(asset="eth", usd=Decimal(3), at=0, source="a")
    known = Known(token=token, price=price)
    third = LargeTransfer(size=Size(min_usd=Decimal("0.000000000000000003")))
    huge = 10**60 + 1
    units = LargeTransfer(size=Size(min_amount=exact_units(huge, 18)))

    assert large_transfer(third, moved(amount_raw=1), known) is not None
    assert large_transfer(third, moved(amount_raw=0), known) is None
    assert large_transfer(units, moved(amount_raw=huge), known) is not None
    assert large_transfer(units, moved(amount_raw=huge - 1), known) is None
    assert large_transfer(third, moved(amount_raw=None), known) is None
    assert large_transfer(third, moved(amount_raw=1), Known(token=token)) is None


def test_names_of_strangers_are_shown_and_not_obeyed() -> None:
    symbol = "\x1b[31mE\x00T\ud800H\u202e" + "!" * 500
    finding = large_transfer(
        LargeTransfer(size=Size(min_amount_raw=1)),
        moved(),
        Known(token=TokenFacts(symbol, 18), owners={wallet("alice"): Owner("a", "A\nB", "dex")}),
    )

    assert finding is not None
    assert finding.title.isprintable()
    assert finding.title.startswith("AB to 0x6692…0c9f: 1 [31mETH!!")
    assert len(finding.title) < 200


def test_a_flow_is_told_as_it_reaches_its_bound_and_not_again() -> None:
    condition = ActorFlow(
        subjects=Subjects(wallets=(wallet("bob"),)),
        direction=Direction.IN,
        window_s=60,
        min_usd=Decimal(10),
    )
    price = Price(asset="eth", usd=Decimal(4), at=0, source="a")
    known = Known(token=TokenFacts("ETH", 18), price=price)

    def after(micros: int) -> bool:
        before = msgspec.structs.replace(known, flowed_micros=micros)
        return actor_flow(condition, moved(), before) is not None

    assert [after(micros) for micros in (5_999_999, 6_000_000, 9_999_999, 10_000_000)] == [
        False,
        True,
        True,
        False,
    ]


def test_balances_are_not_judged_where_transfers_do_not_make_them() -> None:
    account = account_id(BITCOIN, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    with pytest.raises(BadInput, match="transfer by transfer"):
        check(BalanceThreshold(wallet=account, token=ETHER, below_raw=1))


def test_what_is_taken_back_is_named_as_it_was_told() -> None:
    body = {"id": "t", "block_hash": "0x1"}
    for told, back, more in (
        (Topic.TRANSFER_SEEN, Topic.TRANSFER_RETRACTED, {}),
        (Topic.OTC_DETECTED, Topic.OTC_RETRACTED, {}),
        (Topic.WALLET_FREED, Topic.WALLET_RETRACTED, {"was": "wallet.freed"}),
    ):
        seen = Event(topic=told, number=1, at=0, body=body)
        gone = Event(topic=back, number=2, at=0, body=body | more)
        assert cause_of(gone) == cause_of(seen) == f"{told}:t@0x1"
        assert (is_retraction(seen), is_retraction(gone)) == (False, True)
        assert happening_of(gone) is None
    tick = Event(topic=Topic.PRICE_TICKED, number=1, at=0, body={})
    assert cause_of(tick) is None
