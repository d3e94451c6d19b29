"""Lists of wallets, tokens and actors: what is kept, what is refused, and who is found by them."""

import asyncio
from datetime import datetime

import pytest

from graph_api.domain.alerts import Severity, Subjects, WatchedMoved
from graph_api.domain.ids import AccountId
from graph_api.domain.principals import LOCAL
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.domain.watchlists import (
    MAX_ENTRIES,
    MAX_LISTS,
    EntryKind,
    Named,
    Watchlist,
    named,
)
from graph_api.vault import alert_rules, counters, judged, published_lists, watchlists
from graph_api.vault.judged import Watching
from graph_api.vault.pages import First
from graph_api.vault.vault import Door, Vault
from graph_api.vault.watchlists import Standing, Wanted
from tests.vault.given import MINUTE, NOON

ALICE = Named(EntryKind.WALLET, "eip155:1:0x" + "a1" * 20)
BOB = Named(EntryKind.WALLET, "eip155:1:0x" + "b0" * 20)
USDT = Named(EntryKind.TOKEN, "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7")
DESK = Named(EntryKind.ACTOR, "desk")


async def made(vault: Door, name: str = "Desks", *, at: datetime = NOON) -> Watchlist:
    return await watchlists.create(vault, LOCAL, id=f"id of {name}", name=name, now=at)


async def test_a_list_is_made_and_renamed(vault: Vault) -> None:
    first = await watchlists.create(
        vault, LOCAL, id="1", name="  Desks  of\tnote ", note=" ", now=NOON
    )
    assert (first.name, first.note, first.revision) == ("Desks of note", None, 1)

    second = await watchlists.rename(
        vault, LOCAL, "1", name="Desks", note="Mine.", now=NOON + MINUTE
    )
    same = await watchlists.rename(vault, LOCAL, "1", name="Desks", now=NOON + 2 * MINUTE)

    assert (second.name, second.note, second.revision) == ("Desks", "Mine.", 2)
    assert same == second
    assert await watchlists.by_ids(vault, LOCAL, ["1", "2"]) == {"1": second}


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "bell\a"])
async def test_a_name_can_be_read(vault: Vault, name: str) -> None:
    with pytest.raises(Refused, match="has 1 to 100 printable characters"):
        await watchlists.create(vault, LOCAL, id="1", name=name, now=NOON)


async def test_a_name_belongs_to_one_list(vault: Vault) -> None:
    first, second = await made(vault, "Desks"), await made(vault, "Funds")

    with pytest.raises(Refused, match="Another watchlist is named 'Desks'") as refusal:
        await watchlists.create(vault, LOCAL, id="3", name="Desks", now=NOON)
    assert (refusal.value.reason, refusal.value.about) == (RefusalReason.NAME_TAKEN, (first.id,))
    with pytest.raises(Refused, match="Another watchlist is named 'Desks'"):
        await watchlists.rename(vault, LOCAL, second.id, name="Desks", now=NOON)


async def test_lists_that_are_made_at_once_stay_within_the_ceiling(vault: Vault) -> None:
    async with vault.together() as door:
        for number in range(MAX_LISTS - 1):
            await made(door, f"list {number}")

    ends = await asyncio.gather(*(made(vault, name) for name in "ab"), return_exceptions=True)

    refusals = [end for end in ends if isinstance(end, Refused)]
    assert [refusal.reason for refusal in refusals] == [RefusalReason.TOO_MANY]


async def test_what_is_there_already_is_said_and_stays(vault: Vault) -> None:
    watchlist = await made(vault)
    first = await watchlists.put(
        vault, LOCAL, watchlist.id, [Wanted(ALICE, "the first"), Wanted(DESK)], now=NOON
    )
    assert [entry.named for entry in first.added] == [ALICE, DESK]
    assert first.known == []

    second = await watchlists.put(
        vault,
        LOCAL,
        watchlist.id,
        [Wanted(ALICE), Wanted(BOB), Wanted(BOB, "twice"), Wanted(DESK, "noted")],
        now=NOON + MINUTE,
    )

    assert [(entry.named, entry.note) for entry in second.added] == [(BOB, "twice")]
    assert {entry.named: entry.note for entry in second.known} == {
        ALICE: "the first",
        DESK: "noted",
    }
    assert [one.watchlist.revision for one in (first, second)] == [2, 3]
    found = await watchlists.entries(vault, LOCAL, watchlist.id)
    assert {entry.named: (entry.note, entry.added_at) for entry in found.rows} == {
        BOB: ("twice", NOON + MINUTE),
        ALICE: ("the first", NOON),
        DESK: ("noted", NOON),
    }


async def test_what_changes_nothing_makes_no_revision(vault: Vault) -> None:
    watchlist = await made(vault)
    filled = await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(ALICE)], now=NOON)

    again = await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(ALICE)], now=NOON + MINUTE)
    gone = await watchlists.take(vault, LOCAL, watchlist.id, [BOB], now=NOON + MINUTE)

    assert again.watchlist == gone.watchlist == filled.watchlist
    assert (gone.removed, gone.missing) == ([], [BOB])


async def test_what_is_taken_off_is_found_no_more(vault: Vault) -> None:
    watchlist = await made(vault)
    everything = [ALICE, BOB, USDT, DESK]
    await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(one) for one in everything], now=NOON)

    gone = await watchlists.take(
        vault, LOCAL, watchlist.id, [BOB, USDT, BOB, ALICE], now=NOON + MINUTE
    )

    assert set(gone.removed) == {ALICE, BOB, USDT}
    (left,) = (await watchlists.members(vault, LOCAL, [watchlist.id])).values()
    assert (left.revision, left.wallets, left.tokens) == (3, frozenset(), frozenset())
    assert left.actors == {DESK.key}
    assert await judged.watching(vault, EntryKind.WALLET, [ALICE.key]) == {}


async def test_a_list_is_full_at_its_ceiling_whoever_fills_it(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchlists, "MAX_ENTRIES", 3)
    watchlist = await made(vault)
    await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(ALICE), Wanted(BOB)], now=NOON)

    ends = await asyncio.gather(
        *(
            watchlists.put(vault, LOCAL, watchlist.id, [Wanted(one), Wanted(ALICE)], now=NOON)
            for one in (USDT, DESK)
        ),
        return_exceptions=True,
    )

    refusals = [str(end) for end in ends if isinstance(end, Refused)]
    assert refusals == [
        "A watchlist holds up to 3 entries; 'Desks' has 3 and would get 1 more.",
    ]
    assert MAX_ENTRIES == 10_000


async def test_many_are_put_taken_and_counted_at_once(vault: Vault) -> None:
    watchlist = await made(vault)
    many = [named(EntryKind.WALLET, f"ethereum:0x{number:040x}") for number in range(1_000)]

    await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(one) for one in many], now=NOON)
    standings = await watchlists.standings(vault, LOCAL, [watchlist.id, "nowhere"])
    gone = await watchlists.take(vault, LOCAL, watchlist.id, many, now=NOON)

    assert standings == {watchlist.id: Standing(wallets=1_000), "nowhere": Standing()}
    assert len(gone.removed) == 1_000
    with pytest.raises(Refused, match="Name 1 to 1,000 entries at once"):
        await watchlists.take(vault, LOCAL, watchlist.id, [*many, DESK], now=NOON)


async def test_pages_of_what_was_put_together_leave_nothing_out(vault: Vault) -> None:
    watchlist = await made(vault)
    many = [Wanted(named(EntryKind.WALLET, f"ethereum:0x{n:040x}")) for n in range(5)]
    await watchlists.put(vault, LOCAL, watchlist.id, [*many, Wanted(USDT)], now=NOON)

    seen, window = list[str](), First(2)
    while True:
        found = await watchlists.entries(vault, LOCAL, watchlist.id, window, kind=EntryKind.WALLET)
        seen += [entry.key for entry in found.rows]
        if not found.older:
            break
        last = found.rows[-1]
        window = First(2, after=watchlists.place_of(last))

    assert sorted(seen) == sorted(one.named.key for one in many)


async def test_lists_are_found_by_whom_they_name(vault: Vault) -> None:
    desks, funds = await made(vault, "Desks"), await made(vault, "Funds")
    for watchlist in (funds, desks):
        await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(ALICE)], now=NOON)

    found = await watchlists.naming(vault, LOCAL, EntryKind.WALLET, [ALICE.key, BOB.key])
    everywhere = await judged.watching(vault, EntryKind.WALLET, [ALICE.key, BOB.key])

    assert {key: [one.name for one in lists] for key, lists in found.items()} == {
        ALICE.key: ["Desks", "Funds"]
    }
    assert everywhere == {ALICE.key: [Watching("local", desks.id), Watching("local", funds.id)]}
    assert await watchlists.naming(vault, LOCAL, EntryKind.ACTOR, [ALICE.key]) == {}


async def test_a_list_in_use_is_not_deleted(vault: Vault) -> None:
    watchlist = await made(vault)
    await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(ALICE)], now=NOON)
    rule = await alert_rules.create(
        vault,
        LOCAL,
        id="rule",
        name="Moves",
        condition=WatchedMoved(subjects=Subjects(watchlist=watchlist.id)),
        severity=Severity.INFO,
        now=NOON,
    )

    with pytest.raises(Refused, match="'Desks' is used by 'Moves'; change or delete") as refusal:
        await watchlists.remove(vault, LOCAL, watchlist.id)
    assert (refusal.value.reason, refusal.value.about) == (RefusalReason.IN_USE, (rule.id,))

    other = WatchedMoved(subjects=Subjects(wallets=(AccountId(ALICE.key),)))
    await alert_rules.change(vault, LOCAL, rule.id, condition=other, now=NOON)
    await watchlists.remove(vault, LOCAL, watchlist.id)
    assert await watchlists.by_ids(vault, LOCAL, [watchlist.id]) == {}


async def test_what_is_not_there_is_refused(vault: Vault) -> None:
    for attempt in (
        watchlists.rename(vault, LOCAL, "gone", name="x", now=NOON),
        watchlists.remove(vault, LOCAL, "gone"),
        watchlists.put(vault, LOCAL, "gone", [Wanted(ALICE)], now=NOON),
        watchlists.take(vault, LOCAL, "gone", [ALICE], now=NOON),
        published_lists.publish(vault, LOCAL, "gone", now=NOON),
        published_lists.unpublish(vault, LOCAL, "gone"),
    ):
        with pytest.raises(Refused, match="There is no watchlist gone") as refusal:
            await attempt
        assert refusal.value.reason is RefusalReason.NOT_FOUND


async def test_the_graph_tells_of_a_list_until_it_is_no_longer_to(vault: Vault) -> None:
    watchlist = await made(vault)
    wished = await published_lists.publish(vault, LOCAL, watchlist.id, now=NOON)
    again = await published_lists.publish(vault, LOCAL, watchlist.id, now=NOON + MINUTE)
    assert (wished.published_at, wished.published_revision) == (NOON, None)
    assert again == wished

    changed = await watchlists.put(vault, LOCAL, watchlist.id, [Wanted(ALICE)], now=NOON)
    # What was told meanwhile is out of date.
    assert not await published_lists.settle(vault, LOCAL, watchlist.id, told=wished)
    assert not await published_lists.settle(vault, LOCAL, watchlist.id, told=None)
    assert await published_lists.settle(vault, LOCAL, watchlist.id, told=changed.watchlist)
    (found,) = (await watchlists.by_ids(vault, LOCAL, [watchlist.id])).values()
    assert found.published_revision == found.revision == 2

    ended = await published_lists.unpublish(vault, LOCAL, watchlist.id)
    assert (ended.published_at, ended.published_revision) == (None, 2)
    assert await published_lists.settle(vault, LOCAL, watchlist.id, told=ended)
    (found,) = (await watchlists.by_ids(vault, LOCAL, [watchlist.id])).values()
    assert found.published_revision is None
    await watchlists.remove(vault, LOCAL, watchlist.id)
    assert await published_lists.settle(vault, LOCAL, watchlist.id, told=None)
    assert not await published_lists.settle(vault, LOCAL, watchlist.id, told=changed.watchlist)


async def test_numbers_have_no_gap_where_a_change_broke_off(vault: Vault) -> None:
    async def count() -> int:
        async with vault.writing() as connection:
            return await counters.count_up(connection, LOCAL, "things", by=2)

    async def break_off() -> None:
        async with vault.writing() as connection:
            await counters.count_up(connection, LOCAL, "things")
            raise KeyError

    assert await counters.last(vault, LOCAL, "things") == 0
    ends = await asyncio.gather(count(), break_off(), count(), return_exceptions=True)

    assert sorted(end for end in ends if isinstance(end, int)) == [2, 4]
    assert await counters.last(vault, LOCAL, "things") == 4


@pytest.mark.parametrize(
    ("kind", "written", "key"),
    [
        (EntryKind.WALLET, "ethereum:0xDAC17F958D2EE523A2206206994597C13D831EC7", "eip155:1:0xdac"),
        (EntryKind.TOKEN, "ethereum", "eip155:1/slip44:60"),
        (EntryKind.ACTOR, " wintermute ", "wintermute"),
    ],
)
def test_what_is_on_a_list_has_its_normal_form(kind: EntryKind, written: str, key: str) -> None:
    assert named(kind, written).key.startswith(key)
