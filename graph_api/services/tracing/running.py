"""Answers traces: by balances on account chains, by coins on UTXO chains."""

import time
from collections.abc import Callable
from datetime import datetime

from graph_api.analysis.tracing.limits import Budget
from graph_api.domain.errors import BadInput, GraphApiError, NotFound, TooCostly
from graph_api.services.tracing import accounts, coins
from graph_api.services.tracing.accounts import Report
from graph_api.services.tracing.answers import TraceAnswer
from graph_api.services.tracing.questions import AT_ONCE, TraceQuestion
from graph_api.store.graph import Graph


def nobody(_read: int, _wallets: int) -> None:
    """For those whom nobody listens to."""


async def trace(
    graph: Graph,
    asked: TraceQuestion,
    *,
    now: datetime,
    budget: Budget = AT_ONCE,
    seconds: Callable[[], float] = time.monotonic,
    report: Report = nobody,
) -> TraceAnswer:
    """Where value went, or where it came from, as far as the budget goes.

    Raises: NotFound where a seed is not loaded; BadInput where it cannot be traced.
    """
    traced = coins.traced if asked.follows_coins else accounts.traced
    return await traced(graph, asked, budget=budget, now=now, seconds=seconds, report=report)


async def traces(
    graph: Graph, asked: list[TraceQuestion], *, now: datetime
) -> dict[TraceQuestion, TraceAnswer | GraphApiError]:
    """What each question is answered at once, or why it is not."""
    return {one: await _tried(graph, one, now) for one in asked}


async def _tried(graph: Graph, asked: TraceQuestion, now: datetime) -> TraceAnswer | GraphApiError:
    try:
        return await trace(graph, asked, now=now)
    except (BadInput, NotFound, TooCostly) as refusal:
        return refusal
