"""Labels: as known on a day, the surest first, pages of actors and categories of any size."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from graph_api.domain.categories import Category
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, account_id
from graph_api.domain.labels import claim, label_order, on_chain, on_chains
from graph_api.domain.pages import Page, Slice
from graph_api.domain.records import Label
from graph_api.store import labels, streams
from graph_api.store.graph import Graph
from graph_api.store.labels import LabelFilter, WalletFilter
from tests import given
from tests.given import ETHEREUM, NOW, Ledger, address, wallet
from tests.schema.asking import counted

DAY = timedelta(days=1)


def said(
    name: str,
    text: str = "Some desk",
    *,
    confidence: float = 0.5,
    source: str = "tests",
    everywhere: bool = False,
    **rest: Any,
) -> Label:
    """A claim about the address called ``name``."""
    category = rest.pop("category", Category.OTC_DESK)
    subject = (
        on_chains(address(name), category=category)
        if everywhere
        else on_chain(ETHEREUM, address(name))
    )
    return claim(subject, text, source=source, confidence=confidence, category=category, **rest)


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


async def texts(graph: Graph, name: str, **asked: Any) -> list[str]:
    found = await labels.of_wallets(graph, [wallet(name)], now=NOW, first=20, **asked)
    return [row.label for row in found.get(wallet(name), [])]


async def test_labels_come_surest_first_and_no_more_than_asked(ledger: Ledger) -> None:
    await ledger.write(
        said("desk", "poor", confidence=0.1),
        said("desk", "sure", confidence=0.9),
        said("desk", "fair", confidence=0.5),
        said("other", "elsewhere"),
    )

    assert await texts(ledger.graph, "desk") == ["sure", "fair", "poor"]
    found = await labels.of_wallets(
        ledger.graph, [wallet("desk"), wallet("other"), wallet("nobody")], now=NOW, first=2
    )
    assert {key: [row.label for row in rows] for key, rows in found.items()} == {
        wallet("desk"): ["sure", "fair"],
        wallet("other"): ["elsewhere"],
    }


async def test_an_answer_as_of_a_day_knows_what_was_known_and_held_then(ledger: Ledger) -> None:
    learned, ended, taken_back = NOW - 30 * DAY, NOW - 20 * DAY, NOW - 10 * DAY
    old = said("desk", "old", learned_at=ms(learned), valid_to=ms(ended))
    wrong = said("desk", "wrong", learned_at=ms(learned))
    await ledger.write(old, msgspec.structs.replace(wrong, withdrawn_at=ms(taken_back)))
    graph = ledger.graph

    assert await texts(graph, "desk", as_of=learned - DAY) == []
    assert sorted(await texts(graph, "desk", as_of=learned)) == ["old", "wrong"]
    assert await texts(graph, "desk", as_of=ended) == ["wrong"]
    assert await texts(graph, "desk", as_of=taken_back - timedelta(milliseconds=1)) == ["wrong"]
    assert await texts(graph, "desk", as_of=taken_back) == []
    assert await texts(graph, "desk") == []


async def test_one_statement_answers_many_wallets(ledger: Ledger) -> None:
    await ledger.write(*[said(f"w{number}") for number in range(50)])

    with counted() as sent:
        found = await labels.of_wallets(
            ledger.graph, [wallet(f"w{number}") for number in range(50)], now=NOW, first=3
        )

    assert len(found) == 50
    assert len(sent) == 1


async def test_a_label_is_found_by_its_id_with_all_its_accounts(ledger: Ledger) -> None:
    label = said("desk", "Everywhere ☂", everywhere=True, note="unicode: 币安")
    await ledger.write(label)

    found = await labels.label_by_id(ledger.graph, label.id)

    assert found == msgspec.structs.replace(label, accounts=tuple(sorted(label.accounts)))
    assert await labels.label_by_id(ledger.graph, "label:none") is None
    rows = await labels.accounts_of(ledger.graph, [label.id, "label:none"])
    assert [row.id for row in rows[label.id]] == sorted(label.accounts)


async def all_pages(ask: Any, *, size: int, backward: bool = False) -> list[Any]:
    """Every row of a list, page by page."""
    found: list[Any] = []
    page = Page(size=size, backward=backward)
    while True:
        slice_: Slice[Any] = await ask(page)
        assert len(slice_.rows) <= size
        found = [*slice_.rows, *found] if backward else [*found, *slice_.rows]
        if backward:
            if not slice_.more_before:
                return found
            page = Page(size=size, before=slice_.stopped_at or slice_.places[0], backward=True)
        else:
            if not slice_.more_after:
                return found
            page = Page(size=size, after=slice_.stopped_at or slice_.places[-1])


def written(count: int, **rest: Any) -> list[Label]:
    return [
        said(f"w{number}", f"Desk {number}", confidence=0.2 + number % 7 / 10, actor="desk", **rest)
        for number in range(count)
    ]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("by", ["actor", "category", "all"])
async def test_pages_of_labels_cover_the_list_once(ledger: Ledger, by: str, backward: bool) -> None:
    mine = written(47)
    await ledger.write(*mine, said("w1", "of another", actor="another", category=Category.MIXER))

    async def ask(page: Page) -> Slice[Any]:
        if by == "all":
            return await labels.everything(
                ledger.graph, filter=LabelFilter(min_confidence=0.1), now=NOW, page=page
            )
        if by == "actor":
            return (await labels.of_actors(ledger.graph, ["desk"], now=NOW, page=page))["desk"]
        found = await labels.of_categories(ledger.graph, ["otc_desk"], now=NOW, page=page)
        return found["otc_desk"]

    rows = await all_pages(ask, size=10, backward=backward)

    if by == "all":
        assert [row.id for row in rows] == sorted(
            [*(label.id for label in mine), rows_id(rows, "of another")]
        )
    else:
        assert sorted(row.id for row in rows) == sorted(label.id for label in mine)
        assert [row.confidence for row in rows] == sorted(
            (row.confidence for row in rows), reverse=True
        )


MANY = [
    said(
        f"m{number}",
        "Fake_Phishing",
        category=Category.PHISHING,
        confidence=0.1 + number % 90 / 100,
    )
    for number in range(1_200)
]


@pytest.fixture
async def big(ledger: Ledger) -> Graph:
    """A graph where thousands of labels share one category and all of their words."""
    for start in range(0, len(MANY), 1_000):
        await ledger.write(*MANY[start : start + 1_000])
    return ledger.graph


def rows_id(rows: Sequence[Any], text: str) -> str:
    return str(next(row.id for row in rows if row.label == text))


async def test_labels_are_filtered_by_source_and_confidence(ledger: Ledger) -> None:
    await ledger.write(
        said("a", "one", actor="desk", source="s1", confidence=0.9),
        said("b", "two", actor="desk", source="s2", confidence=0.8),
        said("c", "three", actor="desk", source="s2", confidence=0.1),
    )

    async def ask(**conditions: Any) -> list[str]:
        found = await labels.of_actors(
            ledger.graph,
            ["desk"],
            filter=LabelFilter(**conditions),
            now=NOW,
            page=Page(size=10),
        )
        return [row.label for row in found["desk"].rows]

    assert await ask() == ["one", "two", "three"]
    assert await ask(source="s2") == ["two", "three"]
    assert await ask(source="s2", min_confidence=0.5) == ["two"]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("size", [1, 3, 8, 50])
async def test_wallets_of_an_actor_come_once_each_though_many_labels_speak_of_them(
    ledger: Ledger, size: int, backward: bool
) -> None:
    """Labels without a chain speak of several wallets: pages may end among them."""
    await ledger.write(
        said("a", "everywhere", everywhere=True, actor="desk", confidence=0.5),
        said("a", "here", actor="desk", confidence=0.9),
        said("a", "here again", actor="desk", confidence=0.2),
        said("b", "everywhere", everywhere=True, actor="desk", confidence=0.4),
        said("c", "here", actor="desk", confidence=0.4),
        said("c", "of another", actor="another", confidence=1.0),
    )

    async def ask(page: Page) -> Slice[Any]:
        found = await labels.wallets_of_actors(ledger.graph, ["desk"], now=NOW, page=page)
        return found["desk"]

    rows = await all_pages(ask, size=size, backward=backward)

    everywhere = [
        account_id(chain_of(chain), address(name))
        for name in "ab"
        for chain in ("1", "56", "137", "100", "42161", "10", "8453", "42220")
    ]
    assert sorted(row.id for row in rows) == sorted([*everywhere, wallet("c")])
    assert rows[0].id == wallet("a")
    assert len(rows) == len({row.id for row in rows})


async def test_labelled_wallets_are_filtered(ledger: Ledger) -> None:
    await ledger.write(
        said("alice", everywhere=True, actor="desk"),
        said("bob", actor="desk"),
        said("carol", actor="desk", confidence=0.1),
        given.transaction("alice", "carol", tx="a"),
    )
    graph = ledger.graph

    async def ask(**conditions: Any) -> set[AccountId]:
        found = await labels.wallets_of_categories(
            graph,
            ["otc_desk"],
            filter=WalletFilter(**conditions),
            now=NOW,
            page=Page(size=50),
        )
        return {row.id for row in found["otc_desk"].rows}

    assert len(await ask()) == 10
    assert await ask(active=True) == {wallet("alice"), wallet("carol")}
    assert await ask(active=True, min_confidence=0.4) == {wallet("alice")}
    assert len(await ask(active=False)) == 8
    assert await ask(chain="eip155:137") == {wallet("alice", chain="polygon")}


async def test_a_forged_place_is_refused(ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="cursor"):
        await labels.wallets_of_actors(
            ledger.graph, ["desk"], now=NOW, page=Page(size=1, after="@x")
        )


@pytest.mark.parametrize("backward", [False, True])
async def test_a_category_of_thousands_is_read_in_its_order_page_by_page(
    big: Graph, backward: bool
) -> None:
    """Longer than what one statement looks at: an engine that left the index would show here."""
    listed = sorted(MANY, key=label_order)
    mine = listed[-20:] if backward else listed[:20]
    page = Page(size=20, backward=backward)

    with counted() as sent:
        found = await labels.of_categories(big, ["phishing"], now=NOW, page=page)
        marked = await labels.wallets_of_categories(big, ["phishing"], now=NOW, page=page)

    assert [row.id for row in found["phishing"].rows] == [label.id for label in mine]
    assert [row.id for row in marked["phishing"].rows] == [label.accounts[0] for label in mine]
    assert len(sent) < 30


async def test_a_search_through_thousands_of_wallets_stops_and_goes_on(
    big: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_ROUNDS", (200, 400))
    listed = sorted(MANY, key=label_order)
    quiet = WalletFilter(active=True)

    async def ask(page: Page) -> Slice[Any]:
        found = await labels.wallets_of_categories(
            big, ["phishing"], filter=quiet, now=NOW, page=page
        )
        return found["phishing"]

    first = await ask(Page(size=5))
    assert (list(first.rows), first.more_after) == ([], True)
    assert first.stopped_at == f"{label_order(listed[599])}@~"
    assert await all_pages(ask, size=5) == []


async def test_a_reload_does_not_undo_a_withdrawal(ledger: Ledger) -> None:
    label = said("desk", "wrong", actor="desk", learned_at=ms(NOW - 9 * DAY))
    await ledger.write(label)
    await ledger.write(msgspec.structs.replace(label, withdrawn_at=ms(NOW - DAY)))

    again = await ledger.write(label)

    assert again.written == 0
    assert await texts(ledger.graph, "desk") == []
    assert await texts(ledger.graph, "desk", as_of=NOW - 2 * DAY) == ["wrong"]
    stood = await labels.label_by_id(ledger.graph, label.id)
    assert stood is not None
    assert stood.withdrawn_at == ms(NOW - DAY)
