"""What was detected of transfers, how large those of tokens are, and how far they were looked at.

What is concluded from events is written in one transaction with how far they were looked at, so
that whoever does it, and is killed whenever, concludes once from each.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from graph_api.domain.events import Line, News, Topic
from graph_api.domain.ids import ChainId, TransferId
from graph_api.domain.otc import Reason
from graph_api.domain.pages import Page, Slice
from graph_api.domain.positions import order_key, page_key
from graph_api.store import outbox, streams
from graph_api.store.graph import Graph, Row, Writing
from graph_api.store.streams import Stream

#: A token and a day, counted from 1970.
TokenDay = tuple[str, int]


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Why a transfer is taken for OTC; ``id`` is the transfer's.

    ``actors`` and ``actor_types`` are of the desks that deal, ``counter`` is the transfer that went
    the other way, ``usd`` what it was worth.
    """

    id: TransferId
    chain: ChainId
    reasons: list[str]
    actors: list[str]
    actor_types: list[str]
    usd: float | None
    counter: str | None

    @property
    def told(self) -> dict[str, Any]:
        """What events say of it beyond what they say of the transfer."""
        return {
            "reasons": self.reasons,
            "actors": self.actors,
            "actor_types": self.actor_types,
            "usd": self.usd,
            "counter": self.counter,
        }


class DetectionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A detection as it is kept; ``detected_at`` is when somebody looked."""

    id: TransferId
    chain: ChainId
    reasons: list[str]
    actors: list[str]
    actor_types: list[str]
    usd: float | None
    counter: TransferId | None
    detected_at: datetime


class DetectionHit(DetectionRow, frozen=True, kw_only=True):
    """A detection as a statement of a stream answers it."""

    owner: str
    side: str
    scanned: int | None
    last: str | None
    key: str | None


class DetectionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which detections are asked for; None leaves a condition out."""

    actor: str | None = None
    reason: Reason | None = None
    min_usd: Decimal | None = None


class Looked(msgspec.Struct, kw_only=True):
    """What follows from the events ``after..through`` of a chain's transfers.

    Args:
        steps: In the order of the events: what an event says of a transfer, and what was detected
            of that, None where it takes the transfer back.
        sizes: By how much counts of buckets change.
    """

    chain: ChainId
    after: int
    through: int
    steps: list[tuple[Mapping[str, Any], Detection | None]] = msgspec.field(default_factory=list)
    sizes: dict[TokenDay, dict[int, int]] = msgspec.field(default_factory=dict)


class _Detector(msgspec.Struct, frozen=True):
    chain: ChainId
    number: int


class SizeDay(msgspec.Struct, frozen=True, kw_only=True):
    """How many transfers of a token there were of each size on one day (UTC)."""

    token: str
    day: int
    buckets: list[int]
    counts: list[int]

    @property
    def sizes(self) -> dict[int, int]:
        """Counts by bucket."""
        return dict(zip(self.buckets, self.counts, strict=True))


_OF_CHAIN: Final = Stream(record=DetectionHit, scan="otc/of_chain", window="otc/of_chain_window")


async def of_chains(
    graph: Graph, chains: list[ChainId], *, filter: DetectionFilter | None = None, page: Page
) -> dict[ChainId, Slice[DetectionRow]]:
    """A page of what is taken for OTC on each chain, the newest transfers first."""
    asked = filter or DetectionFilter()
    filters = {
        "actor": asked.actor,
        "reason": None if asked.reason is None else asked.reason.value,
        # Values are kept as the nearest number to a millionth, and so is what they are held to.
        "min_usd": None if asked.min_usd is None else float(asked.min_usd),
    }
    found = await streams.pages(graph, _OF_CHAIN, chains, page=page, filters=filters)
    return {ChainId(chain): rows for chain, rows in found.items()}


async def places(graph: Graph) -> dict[ChainId, int]:
    """The number of the last event of each chain's transfers that was looked at."""
    return {row.chain: row.number for row in await graph.read("otc/detectors", _Detector)}


async def sizes(graph: Graph, days: Iterable[TokenDay]) -> list[SizeDay]:
    """What is known of some tokens on some days."""
    ids = sorted(_size_id(*one) for one in days)
    return await graph.read("otc/sizes", SizeDay, ids=ids) if ids else []


async def keep(writing: Writing, looked: Looked, *, now: datetime) -> int | None:
    """Write what follows from some events, and tell of it.

    Returns: how many events of OTC that made; None where others have looked at these already.
    """
    (row,) = await writing.run("otc/begin", chain=looked.chain)
    if row["number"] != looked.after:
        return None
    news = await _detections(writing, looked, now=now)
    await put_sizes(writing, await _changed(writing, looked.sizes))
    if news:
        await outbox.append(writing, Line.OTC, looked.chain, news, now=now)
    await writing.run("otc/advance", chain=looked.chain, number=looked.through)
    return len(news)


async def put_sizes(writing: Writing, days: Sequence[SizeDay]) -> None:
    """Have these days as they are given."""
    rows = [msgspec.structs.asdict(day) | {"id": _size_id(day.token, day.day)} for day in days]
    if rows:
        await writing.run("otc/put_sizes", rows=rows)


async def _detections(writing: Writing, looked: Looked, *, now: datetime) -> list[News]:
    """Write what was detected, forget what was taken back. Returns: what is to be told."""
    gone = sorted({body["id"] for body, found in looked.steps if found is None})
    rows = await writing.run("otc/known", ids=gone) if gone else []
    known = {row["id"]: msgspec.convert(row, Detection) for row in rows}
    stands, told, news = dict(known), dict[str, Mapping[str, Any]](), list[News]()
    for body, found in looked.steps:
        if found is not None:
            stands[found.id], told[found.id] = found, body
            news.append(News(topic=Topic.OTC_DETECTED, body={**body, **found.told}))
        elif (before := stands.pop(body["id"], None)) is not None:
            news.append(News(topic=Topic.OTC_RETRACTED, body={**body, **before.told}))
    new = [_row(found, told[key], now) for key, found in stands.items() if key in told]
    if lost := sorted(known.keys() - stands.keys()):
        await writing.run("otc/delete", ids=lost)
    if new:
        await writing.run("otc/create", rows=new)
    return news


async def _changed(
    writing: Writing, changes: Mapping[TokenDay, Mapping[int, int]]
) -> list[SizeDay]:
    """The days that ``changes`` make of what there is."""
    if not changes:
        return []
    ids = sorted(_size_id(*one) for one in changes)
    rows = [msgspec.convert(row, SizeDay) for row in await writing.run("otc/sizes", ids=ids)]
    known = {(row.token, row.day): row.sizes for row in rows}
    return [
        size_day(token, day, _sum(known.get((token, day), {}), change))
        for (token, day), change in changes.items()
    ]


def size_day(token: str, day: int, sizes: Mapping[int, int]) -> SizeDay:
    """A day of these counts; a bucket of none is left out."""
    some = sorted((bucket, count) for bucket, count in sizes.items() if count > 0)
    return SizeDay(
        token=token,
        day=day,
        buckets=[bucket for bucket, _ in some],
        counts=[count for _, count in some],
    )


def _sum(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in one.keys() | other.keys()}


def _row(found: Detection, body: Mapping[str, Any], now: datetime) -> Row:
    order = order_key(found.id, block_number=body["block_number"], position=body["position"])
    return msgspec.structs.asdict(found) | {
        "order_key": page_key(found.chain, order),
        "detected_at": round(now.timestamp() * 1000),
    }


def _size_id(token: str, day: int) -> str:
    return f"{token}|{day}"
