"""Counts how large the transfers of tokens were, from the transfers that are loaded.

Detection counts what is announced. After history was loaded from files, which announces nothing,
this brings the days before up to date, so that rare sizes are known at once. It counts whole days
alone, and none that detection may still add to.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import msgspec

from graph_api.analysis.sizes import bucket_of, day_of
from graph_api.domain.amounts import raw_of
from graph_api.domain.events import Lane, Line
from graph_api.domain.ids import ChainId, TokenId
from graph_api.domain.positions import block_bounds
from graph_api.store import otc, outbox, prices
from graph_api.store.graph import Graph, Writing
from graph_api.store.ledger.turn import Turn
from graph_api.store.otc import size_day
from ingest.pipelines.detecting import LEASE


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of a token: ``transfers`` on ``days`` days."""

    token: TokenId
    days: int
    transfers: int


async def recount(
    graph: Graph,
    turn: Turn,
    *,
    days: int,
    now: datetime,
    report: Callable[[Sized], None] = lambda sized: None,
) -> list[Sized]:
    """Count the last ``days`` whole days of every token that stands for an asset.

    Nobody detects meanwhile. Raises: UpstreamUnavailable, LeaseLost.
    """
    await turn.hold([LEASE])
    try:
        found = []
        for token in await prices.priced_tokens(graph):
            end = await _end(graph, ChainId(token.chain), now)
            counted = await _count(graph, token.token, first=end - days, end=end)
            found.append(await _keep(turn, token.token, counted, first=end - days, end=end))
            report(found[-1])
        return found
    finally:
        await turn.give_back()


async def _end(graph: Graph, chain: ChainId, now: datetime) -> int:
    """The first day that is not over, or that detection has not left behind."""
    end = day_of(round(now.timestamp() * 1000))
    looked = (await otc.places(graph)).get(chain, 0)
    for event in await outbox.after(graph, *Lane(Line.TRANSFERS, chain), looked - 1, limit=1):
        time = event.body["block_time"]
        end = end if time is None else min(end, day_of(time))
    return end


async def _count(graph: Graph, token: TokenId, *, first: int, end: int) -> dict[int, Counter[int]]:
    """Sizes by day."""
    found: dict[int, Counter[int]] = {}
    # Rows without a block come behind all that have one, whenever they happened.
    _, blockless = block_bounds(token, lowest=0, highest=None)
    after: str | None = None
    while rows := await prices.page_of_token(graph, token, after=after):
        after = rows[-1].key
        for row in rows:
            if row.token != token or row.block_time is None or not row.amount_raw:
                continue
            day, amount = day_of(row.block_time), raw_of(row.amount_raw)
            if first <= day < end and amount:
                found.setdefault(day, Counter())[bucket_of(amount)] += 1
        last = rows[-1].block_time
        if after < blockless and last is not None and day_of(last) < first:
            after = blockless
    return found


async def _keep(
    turn: Turn, token: TokenId, counted: dict[int, Counter[int]], *, first: int, end: int
) -> Sized:
    """Have the days as they were counted, those without any transfer too."""
    sizes = [size_day(token, day, counted.get(day, {})) for day in range(first, end)]

    async def work(writing: Writing) -> None:
        await otc.put_sizes(writing, sizes)

    await turn.change([LEASE], work)
    return Sized(
        token=token, days=len(counted), transfers=sum(one.total() for one in counted.values())
    )
