"""Alert rules on record: what each keeps, from when it judges, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from graph_api.domain.alerts import (
    ActorFlow,
    AnyCondition,
    BalanceThreshold,
    Direction,
    DormantWakes,
    IssuerFreeze,
    LargeTransfer,
    NewCounterparty,
    OtcScore,
    PriceMove,
    Rule,
    SanctionedCounterparty,
    Severity,
    Size,
    Subjects,
    WatchedMoved,
)
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.principals import LOCAL
from graph_api.domain.records import ActorType
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.vault import alert_rules, judged
from graph_api.vault.vault import Door, Vault
from tests.vault.given import MINUTE, NOON

WALLET = AccountId("eip155:1:0x" + "a1" * 20)
USDT = TokenId("eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7")
ALICE = Subjects(wallets=(WALLET,), actors=("desk",), actor_types=(ActorType.OTC_DESK,))
LARGE = LargeTransfer(size=Size(min_amount_raw=2**255, min_usd=Decimal("1000000.000001")))

EVERY_KIND: list[AnyCondition] = [
    LARGE,
    WatchedMoved(subjects=ALICE, direction=Direction.OUT, size=Size(tokens=(USDT,))),
    NewCounterparty(subjects=ALICE),
    ActorFlow(subjects=ALICE, direction=Direction.IN, window_s=3_600, min_usd=Decimal("0.1")),
    BalanceThreshold(wallet=WALLET, token=USDT, below_raw=10**30),
    DormantWakes(idle_s=86_400, subjects=ALICE),
    PriceMove(asset="ether", window_s=60, min_change_bps=50),
    OtcScore(min_score=0.75),
    SanctionedCounterparty(direction=Direction.OUT),
    IssuerFreeze(tokens=(USDT,)),
]


async def made(vault: Door, id: str = "1", **changes: Any) -> Rule:
    asked: dict[str, Any] = {
        "name": "Large",
        "condition": LARGE,
        "severity": Severity.WARNING,
        "now": NOON,
    }
    return await alert_rules.create(vault, LOCAL, id=id, **asked | changes)


async def test_a_rule_of_every_kind_is_read_as_it_was_written(vault: Vault) -> None:
    rules = [
        await made(vault, str(place), condition=condition)
        for place, condition in enumerate(EVERY_KIND)
    ]

    found = await alert_rules.by_ids(vault, LOCAL, [rule.id for rule in rules])

    assert found == {rule.id: rule for rule in rules}
    assert [found[rule.id].condition for rule in rules] == EVERY_KIND
    prices = await alert_rules.history(vault, LOCAL, kinds=["price_move"])
    assert [rule.condition for rule in prices.rows] == [EVERY_KIND[6]]


async def test_a_rule_judges_from_when_its_condition_was_changed(vault: Vault) -> None:
    await made(vault)

    renamed = await alert_rules.change(
        vault, LOCAL, "1", name="Whales", cool_down_s=60, now=NOON + MINUTE
    )
    changed = await alert_rules.change(
        vault, LOCAL, "1", condition=EVERY_KIND[7], now=NOON + 2 * MINUTE
    )
    same = await alert_rules.change(
        vault, LOCAL, "1", condition=EVERY_KIND[7], now=NOON + 3 * MINUTE
    )

    assert (renamed.name, renamed.cool_down_s) == ("Whales", 60)
    assert (renamed.judges_from, renamed.changed_at) == (NOON, NOON + MINUTE)
    assert changed.judges_from == changed.changed_at == NOON + 2 * MINUTE
    assert same == changed == (await alert_rules.by_ids(vault, LOCAL, ["1"]))["1"]


async def test_a_rule_that_was_off_leaves_what_passed_unjudged(vault: Vault) -> None:
    await made(vault)

    off = await alert_rules.switch_off(vault, LOCAL, "1", now=NOON + MINUTE)
    assert not off.enabled
    assert await judged.rules(vault) == []
    on = await alert_rules.switch_on(vault, LOCAL, "1", now=NOON + 2 * MINUTE)
    again = await alert_rules.switch_on(vault, LOCAL, "1", now=NOON + 3 * MINUTE)

    assert on.enabled
    assert on.judges_from == NOON + 2 * MINUTE
    assert again == on
    assert await judged.rules(vault) == [on]


async def test_a_muted_rule_judges_on(vault: Vault) -> None:
    await made(vault)

    muted = await alert_rules.mute(vault, LOCAL, "1", until=NOON + MINUTE, now=NOON)
    assert (muted.muted_until, muted.judges_from) == (NOON + MINUTE, NOON)
    with pytest.raises(Refused, match="a moment that is still to come"):
        await alert_rules.mute(vault, LOCAL, "1", until=NOON, now=NOON)
    unmuted = await alert_rules.mute(vault, LOCAL, "1", until=None, now=NOON + MINUTE)
    assert unmuted.muted_until is None


async def test_a_deleted_rule_judges_nothing_and_frees_its_place(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_rules, "MAX_RULES", 1)
    rule = await made(vault)
    with pytest.raises(Refused, match="up to 1 alert rules") as refusal:
        await made(vault, "2")
    assert refusal.value.reason is RefusalReason.TOO_MANY

    assert await alert_rules.remove(vault, LOCAL, "1", now=NOON + MINUTE) == rule

    assert await alert_rules.by_ids(vault, LOCAL, ["1"]) == {}
    assert (await alert_rules.history(vault, LOCAL)).rows == []
    assert await judged.rules(vault) == []
    assert (await made(vault, "2")).id == "2"


async def test_judges_see_that_rules_have_changed(vault: Vault) -> None:
    seen = [await judged.revision(vault)]
    await made(vault)
    seen.append(await judged.revision(vault))
    await alert_rules.switch_off(vault, LOCAL, "1", now=NOON)
    seen.append(await judged.revision(vault))
    await alert_rules.remove(vault, LOCAL, "1", now=NOON)
    seen.append(await judged.revision(vault))

    assert seen == sorted(set(seen))
    assert await judged.revision(vault) == seen[-1]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "The name of an alert rule has 1 to 100"),
        ({"cool_down_s": -1}, "A cool-down is 0 to"),
        ({"condition": LargeTransfer(size=Size())}, "Say how large"),
        (
            {"condition": WatchedMoved(subjects=Subjects(watchlist="gone"))},
            "There is no watchlist gone",
        ),
    ],
)
async def test_a_rule_that_could_never_hold_is_refused(
    vault: Vault, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        await made(vault, **changes)
    await made(vault)
    with pytest.raises(Refused, match=sentence):
        await alert_rules.change(vault, LOCAL, "1", **changes, now=NOON)
    with pytest.raises(Refused, match="There is no alert rule 2"):
        await alert_rules.change(vault, LOCAL, "2", name="Other", now=NOON)
