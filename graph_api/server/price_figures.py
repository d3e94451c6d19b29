"""Prices and their sources, for Prometheus."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from prometheus_client.core import Metric

from graph_api.server.shared_figures import Values, age_s, counter, gauge
from graph_api.services.price_watch import SourceState, Watched
from graph_api.store.records import moment

#: So many assets are told one by one at most, those with the newest prices first.
MOST_ASSETS: Final = 200
_SOURCE: Final = ("source",)


def families(found: Sequence[Watched], now: datetime) -> Iterator[Metric]:
    """What is known of prices; what only their watcher knows is missing without a bus."""
    yield gauge(
        "price_told_seconds",
        "Since the watcher of prices last said how it goes.",
        (),
        (((), age_s(one.said_at, now)) for one in found),
    )
    yield from _sources(found, now)
    yield gauge(
        "price_age_seconds",
        f"How old the newest price of an asset is; of {MOST_ASSETS} assets at most.",
        ("asset",),
        (((asset,), age_s(at, now)) for asset, at in _newest(found)),
    )
    yield gauge(
        "price_assets",
        "Assets that are known, by whether they have a price.",
        ("priced",),
        (
            ((str(priced).lower(),), sum((row.at is not None) is priced for row in one.assets))
            for one in found
            for priced in (True, False)
        ),
    )


def _sources(found: Sequence[Watched], now: datetime) -> Iterator[Metric]:
    each = partial(_of_source, found)
    yield gauge(
        "price_source_success_seconds",
        "Since the source last answered.",
        _SOURCE,
        each(
            lambda one: None if one.succeeded_at is None else age_s(moment(one.succeeded_at), now)
        ),
    )
    yield counter(
        "price_source_answers",
        "Answers since the watcher was started.",
        _SOURCE,
        each(lambda one: one.answers),
    )
    yield counter(
        "price_source_failures",
        "How often it could not be asked since the watcher was started.",
        _SOURCE,
        each(lambda one: one.failures),
    )
    yield counter(
        "price_source_refused",
        "Quotes that were not used since the watcher was started.",
        _SOURCE,
        each(lambda one: one.refused),
    )


def _of_source(found: Sequence[Watched], figure: Callable[[SourceState], float | None]) -> Values:
    return (((source.name,), figure(source)) for one in found for source in one.sources)


def _newest(found: Sequence[Watched]) -> list[tuple[str, datetime]]:
    priced = [(row.id, row.at) for one in found for row in one.assets if row.at is not None]
    return sorted(priced, key=lambda one: one[1], reverse=True)[:MOST_ASSETS]
