"""Answers questions for paths, each by a search of its own."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from graph_api.analysis.paths.wishes import Hop
from graph_api.domain.errors import BadInput, GraphApiError, NotFound, TooCostly
from graph_api.domain.ids import TransferId
from graph_api.services.timed_paths.answers import PathHop, PathsAnswer, TimedPath
from graph_api.services.timed_paths.ends import Wallets, wallets_of
from graph_api.services.timed_paths.judging import Judge
from graph_api.services.timed_paths.questions import Budget, PathsQuestion
from graph_api.services.timed_paths.searching import Search
from graph_api.services.timed_paths.sources import GraphSource, Source
from graph_api.store.graph import Graph
from graph_api.store.timed_walks import TimedTransfer

#: How many of the wallets where it stopped an answer names, the first that were met.
_NAMED: Final = 100
AT_ONCE: Final = Budget()


async def paths(
    graph: Graph, questions: list[PathsQuestion], *, now: datetime
) -> dict[PathsQuestion, PathsAnswer | GraphApiError]:
    """What each question is answered; none where nothing of one of its ends is loaded."""
    found = await asyncio.gather(*(_tried(graph, asked, now) for asked in questions))
    answers = zip(questions, found, strict=True)
    return {asked: answer for asked, answer in answers if answer is not None}


async def best(
    graph: Graph, asked: PathsQuestion, *, now: datetime, budget: Budget = AT_ONCE
) -> PathsAnswer | None:
    """The best paths, as far as the budget goes; None where nothing of an end is loaded.

    Raises: BadInput where both ends have a wallet in common.
    """
    judge = await Judge.at(graph, asked, now=now)
    starts, ends = await asyncio.gather(
        *(
            wallets_of(graph, end, judge.as_of.chain, at=judge.as_of.at)
            for end in (asked.start, asked.end)
        )
    )
    if not starts.ids or not ends.ids:
        return None
    source = GraphSource(graph, at=judge.as_of.at)
    return await searched(source, asked, judge, starts=starts, ends=ends, budget=budget)


async def searched(
    source: Source,
    asked: PathsQuestion,
    judge: Judge,
    *,
    starts: Wallets,
    ends: Wallets,
    budget: Budget,
) -> PathsAnswer:
    """The best paths between wallets, wherever flows and transfers come from. Raises: BadInput."""
    if common := starts.ids & ends.ids:
        raise BadInput(f"A path leads from one wallet to another; {min(common)} is at both ends.")
    search = Search(source, asked, judge, starts=starts.ids, ends=ends.ids, budget=budget)
    await search.run()
    stops = list(search.stops.values())
    return PathsAnswer(
        question=asked,
        as_of=judge.as_of,
        ended=search.ended,
        searched_hops=search.searched,
        paths=tuple(_path(path, search.rows) for path in search.paths),
        starts=len(starts.ids),
        ends=len(ends.ids),
        cut=starts.cut or ends.cut,
        stopped_at=tuple(stops[:_NAMED]),
        stopped=len(stops),
        wallets_seen=len(search.wallets_seen),
        flows_read=search.flows_read,
        transfers_read=search.transfers_read,
        uncounted=search.uncounted,
    )


async def _tried(
    graph: Graph, asked: PathsQuestion, now: datetime
) -> PathsAnswer | GraphApiError | None:
    try:
        return await best(graph, asked, now=now)
    except (BadInput, NotFound, TooCostly) as refusal:
        return refusal


def _path(path: tuple[Hop, ...], rows: Mapping[TransferId, TimedTransfer]) -> TimedPath:
    hops = tuple(_hop(rows[TransferId(hop.id)]) for hop in path)
    amounts = [hop.amount for hop in path if hop.amount is not None]
    is_one = len({hop.token for hop in path}) == 1 and len(amounts) == len(path)
    return TimedPath(hops=hops, least_raw=str(min(amounts)) if is_one else None)


def _hop(row: TimedTransfer) -> PathHop:
    return PathHop(
        transfer=row.id,
        transaction=row.transaction,
        sender=row.sender,
        recipient=row.recipient,
        token=row.token,
        amount_raw=row.amount_raw,
        block_number=row.block_number,
        block_time=row.block_time,
    )
