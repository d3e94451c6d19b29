"""Watchlists over GraphQL: made, filled and listed by their workspace, refused in a sentence."""

from typing import Any

import pytest

from graph_api.domain.alerts import Severity, Subjects, WatchedMoved
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.store.graph import Graph
from graph_api.vault import alert_rules
from graph_api.vault.vault import Vault
from tests import given
from tests.given import NOW, Ledger
from tests.schema.asking import ask_as, ask_vault

CHECKSUMMED = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
USDT = f"eip155:1/erc20:{CHECKSUMMED.lower()}"
WALLET = f"eip155:1:{CHECKSUMMED.lower()}"
STRANGER = Principal("stranger", "elsewhere", PrincipalKind.PERSON)
REFUSAL = "... on Refusal { reason message about }"
CREATE = f"""mutation ($name: String!, $note: String, $key: String) {{
  createWatchlist(name: $name, note: $note, idempotencyKey: $key) {{
    ... on Watchlist {{ watchlistId name note createdBy revision }} {REFUSAL} }} }}"""
RENAME = f"""mutation ($id: String!, $name: String, $note: String) {{
  renameWatchlist(id: $id, name: $name, note: $note) {{
    ... on Watchlist {{ name note revision }} {REFUSAL} }} }}"""
DELETE = f"""mutation ($id: String!) {{
  deleteWatchlist(id: $id) {{ ... on WatchlistDeleted {{ watchlistId name }} {REFUSAL} }} }}"""
ADD = f"""mutation ($id: String!, $entries: [WatchlistEntryInput!]!, $key: String) {{
  addToWatchlist(id: $id, entries: $entries, idempotencyKey: $key) {{
    ... on WatchlistAdded {{ watchlist {{ revision size {{ wallets tokens actors }} }}
      added {{ kind key note addedBy }} known {{ key note }} }} {REFUSAL} }} }}"""
REMOVE = f"""mutation ($id: String!, $items: [WatchlistItem!]!) {{
  removeFromWatchlist(id: $id, items: $items) {{
    ... on WatchlistRemoved {{ removed {{ kind key }} missing {{ key }} }} {REFUSAL} }} }}"""
SHOW = """query ($id: String!, $after: String, $kind: WatchlistEntryKind) { watchlist(id: $id) {
  name entries(first: 2, after: $after, kind: $kind) {
    nodes { key } pageInfo { hasNextPage endCursor } } } }"""
LIST = """query ($first: Int, $after: String) { watchlists(first: $first, after: $after) {
  nodes { name } pageInfo { hasNextPage endCursor } } }"""


async def changed(vault: Vault, text: str, **variables: Any) -> Any:
    """What became of the one change in ``text``."""
    data, codes = await ask_vault(vault, text, **variables)
    assert codes == []
    (answer,) = data.values()
    return answer


async def made(vault: Vault, name: str = "Desks") -> str:
    answer = await changed(vault, CREATE, name=name)
    id: str = answer["watchlistId"]
    return id


async def test_a_list_is_made_filled_and_emptied(vault: Vault) -> None:
    id = await made(vault)
    entries = [
        {"item": {"wallet": f"ethereum:{CHECKSUMMED}"}, "note": "Tether's own"},
        {"item": {"token": f"ethereum:{CHECKSUMMED}"}},
        {"item": {"actor": " wintermute "}},
    ]

    first = await changed(vault, ADD, id=id, entries=entries, key="1")
    again = await changed(vault, ADD, id=id, entries=entries, key="1")
    anew = await changed(vault, ADD, id=id, entries=entries[:1])
    gone = await changed(vault, REMOVE, id=id, items=[{"wallet": WALLET}, {"actor": "cumberland"}])

    assert first == again
    assert first["added"] == [
        {"kind": "WALLET", "key": WALLET, "note": "Tether's own", "addedBy": "local"},
        {"kind": "TOKEN", "key": USDT, "note": None, "addedBy": "local"},
        {"kind": "ACTOR", "key": "wintermute", "note": None, "addedBy": "local"},
    ]
    assert first["watchlist"]["size"] == {"wallets": 1, "tokens": 1, "actors": 1}
    assert (anew["added"], anew["known"]) == ([], [{"key": WALLET, "note": "Tether's own"}])
    assert gone == {
        "removed": [{"kind": "WALLET", "key": WALLET}],
        "missing": [{"key": "cumberland"}],
    }


async def test_what_can_be_mended_is_said(vault: Vault) -> None:
    id, other = await made(vault, "Desks"), await made(vault, "Funds")

    assert await changed(vault, CREATE, name=" Desks ") == {
        "reason": "NAME_TAKEN",
        "message": "Another watchlist is named 'Desks'.",
        "about": [id],
    }
    assert (await changed(vault, RENAME, id=other, name="Desks"))["reason"] == "NAME_TAKEN"
    assert (await changed(vault, CREATE, name=""))["reason"] == "BAD_INPUT"
    assert (await changed(vault, RENAME, id="gone", name="x"))["reason"] == "NOT_FOUND"
    assert (await changed(vault, ADD, id=id, entries=[]))["reason"] == "TOO_MANY"
    assert (await changed(vault, DELETE, id="gone"))["reason"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "item",
    [
        {"wallet": "0x12"},
        {"token": "nowhere:0x12"},
        {"actor": ""},
        {},
        {"actor": "a", "wallet": WALLET},
    ],
)
async def test_what_names_nothing_is_an_error(vault: Vault, item: dict[str, str]) -> None:
    id = await made(vault)

    _, codes = await ask_vault(vault, REMOVE, id=id, items=[item])

    assert codes == ["BAD_INPUT"]


async def test_a_name_or_a_note_changes_alone(vault: Vault) -> None:
    id = (await changed(vault, CREATE, name="Desks", note="All of them."))["watchlistId"]

    renamed = await changed(vault, RENAME, id=id, name="OTC desks")
    noted = await changed(vault, RENAME, id=id, note="")

    assert renamed == {"name": "OTC desks", "note": "All of them.", "revision": 2}
    assert noted == {"name": "OTC desks", "note": None, "revision": 3}


async def test_a_list_in_use_names_the_rules_that_use_it(vault: Vault) -> None:
    id = await made(vault)
    await alert_rules.create(
        vault,
        LOCAL,
        id="rule",
        name="Moves",
        condition=WatchedMoved(subjects=Subjects(watchlist=id)),
        severity=Severity.INFO,
        now=NOW,
    )

    refusal = await changed(vault, DELETE, id=id)
    await alert_rules.remove(vault, LOCAL, "rule", now=NOW)
    deleted = await changed(vault, DELETE, id=id)

    assert (refusal["reason"], refusal["about"]) == ("IN_USE", ["rule"])
    assert deleted == {"watchlistId": id, "name": "Desks"}
    assert (await changed(vault, SHOW, id=id)) is None


async def test_pages_leave_nothing_out(vault: Vault) -> None:
    id = await made(vault)
    await made(vault, "Funds")
    wallets = [f"eip155:1:0x{number:040x}" for number in range(5)]
    entries = [{"item": {"wallet": wallet}} for wallet in wallets]
    await changed(vault, ADD, id=id, entries=[*entries, {"item": {"actor": "desk"}}])

    seen, after = list[str](), None
    while True:
        page = (await changed(vault, SHOW, id=id, after=after, kind="WALLET"))["entries"]
        seen += [node["key"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    first = await changed(vault, LIST, first=1)
    second = await changed(vault, LIST, first=1, after=first["pageInfo"]["endCursor"])

    assert sorted(seen) == wallets
    assert {page["nodes"][0]["name"] for page in (first, second)} == {"Desks", "Funds"}
    assert not second["pageInfo"]["hasNextPage"]


async def test_a_list_is_published_by_a_job(vault: Vault) -> None:
    id = await made(vault)
    shown = "... on Watchlist { publishedAt publishedRevision publication { kind state } }"
    publish, unpublish = (
        f"mutation ($id: String!) {{ {verb}Watchlist(id: $id) {{ {shown} {REFUSAL} }} }}"
        for verb in ("publish", "unpublish")
    )
    job = {"kind": "watchlist", "state": "QUEUED"}

    wished = await changed(vault, publish, id=id)
    ended = await changed(vault, unpublish, id=id)

    when = "2026-01-15T12:00:00Z"
    assert wished == {"publishedAt": when, "publishedRevision": None, "publication": job}
    assert ended == {"publishedAt": None, "publishedRevision": None, "publication": job}
    assert (await changed(vault, publish, id="gone"))["reason"] == "NOT_FOUND"


async def test_others_cannot_tell_that_a_list_exists(vault: Vault) -> None:
    id = await made(vault)

    assert await ask_vault(vault, SHOW, by_whom=STRANGER, id=id) == ({"watchlist": None}, [])
    found, _ = await ask_vault(vault, LIST, by_whom=STRANGER, first=5)
    assert found["watchlists"]["nodes"] == []
    _, codes = await ask_vault(vault, CREATE, by_whom=STRANGER, name="Mine")
    assert codes == ["NOT_FOUND"]


async def test_a_wallet_tells_the_lists_that_name_it(
    graph: Graph, ledger: Ledger, vault: Vault
) -> None:
    await ledger.write(given.transfer("alice", "bob"))
    alice, bob = given.wallet("alice"), given.wallet("bob")
    for name in ("Funds", "Desks"):
        id = await made(vault, name)
        await changed(vault, ADD, id=id, entries=[{"item": {"wallet": alice}}])

    data, codes = await ask_as(
        graph,
        vault,
        """query ($alice: AccountId!, $bob: AccountId!, $id: String!) {
          alice: wallet(by: {accountId: $alice}) { watchlists { name } }
          bob: wallet(by: {accountId: $bob}) { watchlists { name } }
          watchlist(id: $id) { entries { nodes { wallet { accountId } token { symbol } } } } }""",
        alice=alice,
        bob=bob,
        id=id,
    )

    assert codes == []
    assert data == {
        "alice": {"watchlists": [{"name": "Desks"}, {"name": "Funds"}]},
        "bob": {"watchlists": []},
        "watchlist": {"entries": {"nodes": [{"wallet": {"accountId": alice}, "token": None}]}},
    }
