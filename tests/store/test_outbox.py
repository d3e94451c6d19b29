"""The outbox: numbers without a gap, whoever writes; events as they were; trimmed by whole rows."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from neo4j.exceptions import Neo4jError

from graph_api.domain.events import ANY_CHAIN, Event, Line, LineState, News, Topic
from graph_api.store import outbox
from graph_api.store.graph import Graph, Writing
from tests.given import ETHEREUM, NOW

CHAIN = ETHEREUM.id
OTHER = "eip155:10"


def seen(number: int, **body: Any) -> News:
    return News(topic=Topic.TRANSFER_SEEN, body={"told": number} | body)


async def announced(
    graph: Graph,
    *told: int,
    line: Line = Line.TRANSFERS,
    chain: str = CHAIN,
    now: datetime = NOW,
    **body: Any,
) -> int:
    """Write news in a transaction of their own; the number of the last."""

    async def work(writing: Writing) -> int:
        news = [seen(number, **body) for number in told]
        return await outbox.append(writing, line, chain, news, now=now)

    return await graph.write(work)


async def kept(graph: Graph, *, chain: str = CHAIN, after: int = 0) -> list[tuple[int, int]]:
    """Number and content of everything that follows ``after``, read in pages."""
    found: list[Event] = []
    while page := await outbox.after(
        graph, Line.TRANSFERS, chain, found[-1].number if found else after, limit=100
    ):
        found += page
    return [(event.number, event.body["told"]) for event in found]


async def state(graph: Graph, chain: str = CHAIN) -> LineState:
    (found,) = [one for one in await outbox.lines(graph) if one.chain == chain]
    return found


async def test_events_come_back_as_they_were_told(graph: Graph) -> None:
    body: dict[str, Any] = {
        "raw": str(2**256 - 1),
        "symbol": 'a"\\\u2028\U0001f600',
        "none": None,
        "list": [1, {}],
    }

    last = await announced(graph, 7, 8, now=NOW, **body)

    assert last == 2
    first, second = await outbox.after(graph, Line.TRANSFERS, CHAIN, 0, limit=10)
    assert first == Event(
        topic=Topic.TRANSFER_SEEN,
        chain=CHAIN,
        number=1,
        at=round(NOW.timestamp() * 1000),
        body={"told": 7} | body,
    )
    assert (second.number, second.body["told"]) == (2, 8)


async def test_lines_and_chains_are_numbered_apart(graph: Graph) -> None:
    await announced(graph, 1, 2)
    await announced(graph, 3, chain=OTHER)

    async def price(writing: Writing) -> int:
        news = [News(topic=Topic.PRICE_TICKED, body={})]
        return await outbox.append(writing, Line.PRICES, ANY_CHAIN, news, now=NOW)

    assert await graph.write(price) == 1
    states = {(one.line, one.chain): (one.first, one.last) for one in await outbox.lines(graph)}
    assert states == {
        (Line.TRANSFERS, CHAIN): (1, 2),
        (Line.TRANSFERS, OTHER): (1, 1),
        (Line.PRICES, ANY_CHAIN): (1, 1),
    }
    assert len({one.epoch for one in await outbox.lines(graph)}) == 3
    assert await kept(graph) == [(1, 1), (2, 2)]


async def test_a_chain_whose_name_begins_another_is_not_mixed_up_with_it(graph: Graph) -> None:
    await announced(graph, 1, chain="eip155:1")
    await announced(graph, 2, chain="eip155:10")
    await announced(graph, 3, chain="eip155:100")

    assert await kept(graph, chain="eip155:1") == [(1, 1)]
    assert await kept(graph, chain="eip155:10") == [(1, 2)]


async def test_a_transaction_that_fails_gives_its_numbers_back(graph: Graph) -> None:
    await announced(graph, 1)

    async def failing(writing: Writing) -> None:
        await outbox.append(writing, Line.TRANSFERS, CHAIN, [seen(2), seen(3)], now=NOW)
        raise LookupError("something else went wrong")

    with pytest.raises(LookupError):
        await graph.write(failing)

    assert await announced(graph, 4) == 2
    assert await kept(graph) == [(1, 1), (2, 4)]


async def test_writers_at_once_leave_no_gap(graph: Graph) -> None:
    told = range(12)
    await announced(graph)

    async def retrying(number: int) -> None:
        # The embedded engine refuses a writer that meets others, and gives up after some tries.
        while True:
            with suppress(Neo4jError):
                await announced(graph, number, number + 100)
                return

    async with asyncio.timeout(120):
        await asyncio.gather(*map(retrying, told))

    found = await kept(graph)
    assert [number for number, _ in found] == list(range(1, 25))
    assert sorted(one for _, one in found) == sorted([*told, *(n + 100 for n in told)])
    assert all(
        after == before + 100
        for (_, before), (_, after) in zip(found[::2], found[1::2], strict=True)
    ), "what one transaction told stays together"


async def test_many_events_are_read_in_pages_from_any_number(graph: Graph) -> None:
    # Over more rows than one answer holds, with a row that ends within the page.
    await announced(graph, *range(1, 301))
    for number in range(301, 351):
        await announced(graph, number)

    assert await kept(graph) == [(n, n) for n in range(1, 351)]
    assert await kept(graph, after=257) == [(n, n) for n in range(258, 351)]
    assert await kept(graph, after=350) == []
    page = await outbox.after(graph, Line.TRANSFERS, CHAIN, 10, limit=3)
    assert [event.number for event in page] == [11, 12, 13]


async def test_large_events_do_not_share_a_row(graph: Graph) -> None:
    await announced(graph, *range(5), note="x" * (outbox.ROW_CHARACTERS // 2))

    rows = await graph.run_alone("MATCH (o:Outbox) RETURN size(o.payload) AS size")

    assert len(rows) == 5
    assert max(row["size"] for row in rows) < outbox.ROW_CHARACTERS


async def test_trimming_goes_by_whole_rows_and_keeps_the_numbers(graph: Graph) -> None:
    await announced(graph, 1, 2, 3)
    await announced(graph, 4, 5, 6)
    await announced(graph, 7)

    assert await outbox.trim(graph, Line.TRANSFERS, CHAIN, through=2) == 0
    assert await outbox.trim(graph, Line.TRANSFERS, CHAIN, through=5) == 4
    assert await kept(graph) == [(4, 4), (5, 5), (6, 6), (7, 7)]
    assert await outbox.trim(graph, Line.TRANSFERS, CHAIN, through=10**9) == 8
    assert await kept(graph) == []
    assert (await state(graph)).first == 8
    assert await announced(graph, 8) == 8
    assert (await state(graph)).last == 8


async def test_trimming_leaves_other_lines_alone(graph: Graph) -> None:
    for _ in range(outbox.ROWS + 5):
        await announced(graph, 1)
    await announced(graph, 1, chain=OTHER)

    await outbox.trim(graph, Line.TRANSFERS, CHAIN, through=outbox.ROWS + 5)

    assert await kept(graph) == []
    assert len(await kept(graph, chain=OTHER)) == 1


async def test_age_tells_what_may_go(graph: Graph) -> None:
    await announced(graph, 1, 2, now=NOW)
    await announced(graph, 3, now=NOW + timedelta(hours=1))

    async def older(than: datetime) -> int:
        return await outbox.older(graph, Line.TRANSFERS, CHAIN, than)

    assert await older(NOW) == 0
    assert await older(NOW + timedelta(seconds=1)) == 2
    assert await older(NOW + timedelta(hours=2)) == 3
    assert await outbox.oldest(graph, Line.TRANSFERS, CHAIN) == NOW
    assert await outbox.oldest(graph, Line.TRANSFERS, CHAIN, 2) == NOW + timedelta(hours=1)
    assert await outbox.oldest(graph, Line.TRANSFERS, CHAIN, 3) is None


async def test_an_epoch_ends_once_however_many_want_it(graph: Graph) -> None:
    await announced(graph, 1)
    before = await state(graph)

    await outbox.renew(graph, before)
    once = await state(graph)
    await outbox.renew(graph, before)

    assert once.epoch != before.epoch
    assert await state(graph) == once
    assert (once.first, once.last) == (1, 1)


async def test_an_event_on_a_line_of_another_is_refused(graph: Graph) -> None:
    with pytest.raises(ValueError, match="does not travel on the line prices"):
        await announced(graph, 1, line=Line.PRICES)

    assert await outbox.lines(graph) == []
