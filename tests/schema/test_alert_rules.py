"""Alert rules over GraphQL: every kind reads as it was written, and nothing is judged too early."""

from datetime import timedelta
from typing import Any

import pytest

from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.vault.vault import Vault
from tests.given import NOW
from tests.schema.asking import ask_vault

STRANGER = Principal("stranger", "elsewhere", PrincipalKind.PERSON)
WALLET = "eip155:1:0x" + "a1" * 20
USDT = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
SUBJECTS = "subjects { wallets actors actorTypes watchlistId watchlist { name } }"
SIZE = "size { chains tokens minAmountRaw minAmount minUsd }"
CONDITION = f"""condition {{ __typename
  ... on LargeTransferCondition {{ {SIZE} }}
  ... on WatchedMovedCondition {{ {SUBJECTS} direction {SIZE} }}
  ... on NewCounterpartyCondition {{ {SUBJECTS} direction {SIZE} }}
  ... on ActorFlowCondition {{ {SUBJECTS} direction windowS minUsd }}
  ... on BalanceThresholdCondition {{ accountId tokenId belowRaw aboveRaw }}
  ... on DormantWakesCondition {{ {SUBJECTS} idleS {SIZE} }}
  ... on PriceMoveCondition {{ asset windowS minChangeBps direction }}
  ... on OtcScoreCondition {{ {SUBJECTS} minScore {SIZE} }}
  ... on SanctionedCounterpartyCondition {{ {SUBJECTS} direction {SIZE} }}
  ... on IssuerFreezeCondition {{ {SUBJECTS} tokens }} }}"""
RULE = f"ruleId name kind severity coolDownS enabled mutedUntil judgesFrom createdBy {CONDITION}"
RESULT = f"... on AlertRule {{ {RULE} }} ... on Refusal {{ reason message about }}"
CREATE = f"""mutation ($name: String!, $condition: AlertConditionInput!, $key: String) {{
  createAlertRule(name: $name, condition: $condition, severity: WARNING, coolDownS: 60,
    idempotencyKey: $key) {{ {RESULT} }} }}"""
UPDATE = f"""mutation ($id: String!, $name: String, $condition: AlertConditionInput) {{
  updateAlertRule(id: $id, name: $name, condition: $condition) {{ {RESULT} }} }}"""
ENABLE = f"mutation ($id: String!) {{ enableAlertRule(id: $id) {{ {RESULT} }} }}"
DISABLE = f"mutation ($id: String!) {{ disableAlertRule(id: $id) {{ {RESULT} }} }}"
MUTE = f"""mutation ($id: String!, $until: DateTime) {{
  muteAlertRule(id: $id, until: $until) {{ {RESULT} }} }}"""
DELETE = """mutation ($id: String!) { deleteAlertRule(id: $id) {
  ... on AlertRuleDeleted { ruleId name } ... on Refusal { reason } } }"""
SHOW = f"query ($id: String!) {{ alertRule(id: $id) {{ {RULE} }} }}"
LIST = """query ($kinds: [AlertRuleKind!], $enabled: Boolean, $watchlist: String) {
  alertRules(kinds: $kinds, enabled: $enabled, watchlist: $watchlist) { nodes { name } } }"""

NOBODY: dict[str, Any] = {
    "wallets": [],
    "actors": [],
    "actorTypes": [],
    "watchlistId": None,
    "watchlist": None,
}
ANYTHING: dict[str, Any] = {
    "chains": [],
    "tokens": [],
    "minAmountRaw": None,
    "minAmount": None,
    "minUsd": None,
}
ALICE = {**NOBODY, "wallets": [WALLET]}
LARGE = {"largeTransfer": {"size": {"minUsd": "1000000"}}}

KINDS = [
    (
        "LARGE_TRANSFER",
        {
            "largeTransfer": {
                "size": {
                    "chains": ["ethereum"],
                    "tokens": [USDT, USDT],
                    "minAmountRaw": str(2**200),
                    "minAmount": "0.5",
                    "minUsd": 10,
                }
            }
        },
        {
            "size": {
                "chains": ["eip155:1"],
                "tokens": [USDT],
                "minAmountRaw": str(2**200),
                "minAmount": "0.5",
                "minUsd": "10",
            }
        },
    ),
    (
        "WATCHED_MOVED",
        {"watchedMoved": {"subjects": {"wallets": ["ethereum:0x" + "A1" * 20]}, "direction": "IN"}},
        {"subjects": ALICE, "direction": "IN", "size": ANYTHING},
    ),
    (
        "NEW_COUNTERPARTY",
        {"newCounterparty": {"subjects": {"actorTypes": ["OTC_DESK"], "actors": ["desk"]}}},
        {
            "subjects": {**NOBODY, "actorTypes": ["OTC_DESK"], "actors": ["desk"]},
            "direction": "EITHER",
            "size": ANYTHING,
        },
    ),
    (
        "ACTOR_FLOW",
        {
            "actorFlow": {
                "subjects": {"wallets": [WALLET]},
                "direction": "OUT",
                "windowS": 3600,
                "minUsd": "2.5",
            }
        },
        {"subjects": ALICE, "direction": "OUT", "windowS": 3600, "minUsd": "2.5"},
    ),
    (
        "BALANCE_THRESHOLD",
        {"balanceThreshold": {"wallet": WALLET, "token": USDT, "belowRaw": "0"}},
        {"accountId": WALLET, "tokenId": USDT, "belowRaw": "0", "aboveRaw": None},
    ),
    (
        "DORMANT_WAKES",
        {"dormantWakes": {"idleS": "31536000"}},
        {"subjects": NOBODY, "idleS": "31536000", "size": ANYTHING},
    ),
    (
        "PRICE_MOVE",
        {"priceMove": {"asset": "ether", "windowS": 60, "minChangeBps": 500, "direction": "OUT"}},
        {"asset": "ether", "windowS": 60, "minChangeBps": 500, "direction": "OUT"},
    ),
    (
        "OTC_SCORE",
        {"otcScore": {"minScore": 0.75, "subjects": {"wallets": [WALLET]}}},
        {"subjects": ALICE, "minScore": 0.75, "size": ANYTHING},
    ),
    (
        "SANCTIONED_COUNTERPARTY",
        {"sanctionedCounterparty": {"direction": "OUT"}},
        {"subjects": NOBODY, "direction": "OUT", "size": ANYTHING},
    ),
    (
        "ISSUER_FREEZE",
        {"issuerFreeze": {"tokens": [USDT]}},
        {"subjects": NOBODY, "tokens": [USDT]},
    ),
]


async def changed(vault: Vault, text: str, *, minutes: int = 0, **variables: Any) -> Any:
    """What became of the one change in ``text``."""
    now = NOW + timedelta(minutes=minutes)
    data, codes = await ask_vault(vault, text, now=now, **variables)
    assert codes == []
    (answer,) = data.values()
    return answer


async def made(vault: Vault, **variables: Any) -> Any:
    return await changed(vault, CREATE, **{"name": "Large", "condition": LARGE} | variables)


@pytest.mark.parametrize(("kind", "given", "shown"), KINDS, ids=lambda one: str(one)[:20])
async def test_a_rule_reads_as_it_was_written(
    vault: Vault, kind: str, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    first = await made(vault, condition=given, key="1")
    again = await made(vault, condition=given, key="1")
    found = await changed(vault, SHOW, id=first["ruleId"])

    assert first == again == found
    assert (found["kind"], found["severity"], found["coolDownS"]) == (kind, "WARNING", 60)
    name = found["condition"].pop("__typename")
    assert name == kind.title().replace("_", "") + "Condition"
    assert found["condition"] == shown


async def test_a_rule_judges_what_is_learned_after_it_was_changed(vault: Vault) -> None:
    id = (await made(vault))["ruleId"]
    start, one, two = (f"2026-01-15T12:0{minute}:00Z" for minute in range(3))

    renamed = await changed(vault, UPDATE, id=id, name="Whales", minutes=1)
    harder = {"largeTransfer": {"size": {"minUsd": "2000000"}}}
    condition = await changed(vault, UPDATE, id=id, condition=harder, minutes=1)
    off = await changed(vault, DISABLE, id=id, minutes=2)
    on = await changed(vault, ENABLE, id=id, minutes=2)

    assert (renamed["name"], renamed["judgesFrom"]) == ("Whales", start)
    assert condition["judgesFrom"] == one
    assert (off["enabled"], off["judgesFrom"]) == (False, one)
    assert (on["enabled"], on["judgesFrom"]) == (True, two)


async def test_a_rule_is_muted_until_a_moment_to_come(vault: Vault) -> None:
    id = (await made(vault))["ruleId"]
    later = "2026-01-15T13:00:00Z"

    assert (await changed(vault, MUTE, id=id, until=later))["mutedUntil"] == later
    assert (await changed(vault, MUTE, id=id, until=later, minutes=90))["reason"] == "BAD_INPUT"
    assert (await changed(vault, MUTE, id=id))["mutedUntil"] is None


async def test_a_rule_tells_of_its_watchlist_and_the_list_of_its_rules(vault: Vault) -> None:
    create = 'mutation { createWatchlist(name: "Desks") { ... on Watchlist { watchlistId } } }'
    watchlist = (await changed(vault, create))["watchlistId"]
    condition = {"watchedMoved": {"subjects": {"watchlist": watchlist}}}

    rule = await made(vault, condition=condition, name="Moves")
    await made(vault)
    back = await changed(
        vault,
        "query ($id: String!) { watchlist(id: $id) { alertRules { nodes { name } } } }",
        id=watchlist,
    )

    assert rule["condition"]["subjects"]["watchlist"] == {"name": "Desks"}
    assert back == {"alertRules": {"nodes": [{"name": "Moves"}]}}
    assert await changed(vault, LIST, watchlist=watchlist) == {"nodes": [{"name": "Moves"}]}
    assert await changed(vault, LIST, kinds=["LARGE_TRANSFER"]) == {"nodes": [{"name": "Large"}]}
    assert await changed(vault, LIST, enabled=False) == {"nodes": []}


@pytest.mark.parametrize(
    ("condition", "reason", "sentence"),
    [
        ({"largeTransfer": {"size": {}}}, "BAD_INPUT", "Say how large"),
        ({"watchedMoved": {"subjects": {}}}, "BAD_INPUT", "Say whom to watch"),
        ({"watchedMoved": {"subjects": {"watchlist": "gone"}}}, "NOT_FOUND", "no watchlist gone"),
        (
            {"balanceThreshold": {"wallet": WALLET, "token": USDT}},
            "BAD_INPUT",
            "Give belowRaw or aboveRaw",
        ),
        ({"dormantWakes": {"idleS": "0"}}, "BAD_INPUT", "1 second at least"),
    ],
)
async def test_what_can_be_mended_is_said(
    vault: Vault, condition: dict[str, Any], reason: str, sentence: str
) -> None:
    id = (await made(vault))["ruleId"]

    for refusal in (
        await made(vault, condition=condition),
        await changed(vault, UPDATE, id=id, condition=condition),
    ):
        assert refusal["reason"] == reason
        assert sentence in refusal["message"]


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"otcScore": {"minScore": 1}, "dormantWakes": {"idleS": "1"}},
        {"largeTransfer": {"size": {"minUsd": "-1"}}},
        {"watchedMoved": {"subjects": {"wallets": ["0x12"]}}},
    ],
)
async def test_what_is_no_condition_is_an_error(vault: Vault, condition: dict[str, Any]) -> None:
    _, codes = await ask_vault(vault, CREATE, name="Odd", condition=condition)

    assert codes == ["BAD_INPUT"]


async def test_a_deleted_rule_is_gone_for_all_but_its_alerts(vault: Vault) -> None:
    id = (await made(vault))["ruleId"]

    assert await changed(vault, DELETE, id=id) == {"ruleId": id, "name": "Large"}
    assert await changed(vault, SHOW, id=id) is None
    assert await changed(vault, DELETE, id=id) == {"reason": "NOT_FOUND"}


async def test_others_cannot_tell_that_a_rule_exists(vault: Vault) -> None:
    id = (await made(vault))["ruleId"]

    assert await ask_vault(vault, SHOW, by_whom=STRANGER, id=id) == ({"alertRule": None}, [])
    found, _ = await ask_vault(vault, LIST, by_whom=STRANGER)
    assert found["alertRules"]["nodes"] == []
