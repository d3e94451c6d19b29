"""Chains that are followed, and their nodes, for Prometheus."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from prometheus_client.core import Metric

from graph_api.server.shared_figures import Values, age_s, counter, gauge
from graph_api.services.scanning import NODE_STATES, Endpoint, Followed, Said
from graph_api.store.scanners import Scanner

_CHAIN: Final = ("chain",)
_NODE: Final = ("chain", "node")


def families(found: Sequence[Followed], now: datetime) -> Iterator[Metric]:
    """What is known of every chain; what only its follower knows is missing without a bus."""
    yield from _standing(found, now)
    yield from _telling(found, now)
    yield from _nodes(found)


def _standing(found: Sequence[Followed], now: datetime) -> Iterator[Metric]:
    each = partial(_of_scanner, found)
    yield gauge("scanner_block", "Newest block in the graph.", _CHAIN, each(lambda one: one.block))
    yield gauge(
        "scanner_head", "Newest block that nodes told of.", _CHAIN, each(lambda one: one.head)
    )
    yield gauge(
        "scanner_final", "Newest block announced as final.", _CHAIN, each(lambda one: one.final)
    )
    yield gauge(
        "scanner_lag_blocks",
        "Blocks between the graph and the head.",
        _CHAIN,
        (((one.chain,), one.lag) for one in found),
    )
    yield gauge(
        "scanner_lag_seconds",
        "How old the newest block of the graph is.",
        _CHAIN,
        (((one.chain,), one.lag_s(now)) for one in found),
    )
    yield gauge(
        "scanner_written_seconds",
        "Since a block was last written.",
        _CHAIN,
        each(lambda one: age_s(one.updated_at, now)),
    )
    yield counter(
        "scanner_reorgs", "How often blocks were taken back.", _CHAIN, each(lambda one: one.reorgs)
    )
    yield gauge(
        "scanner_deepest_reorg_blocks",
        "How many blocks at once at most.",
        _CHAIN,
        each(lambda one: one.deepest),
    )
    yield gauge(
        "scanner_gaps",
        "Stretches that were never fetched between blocks that were.",
        _CHAIN,
        each(lambda one: len(one.gaps)),
    )
    yield gauge(
        "scanner_gap_blocks",
        "Blocks of these stretches.",
        _CHAIN,
        each(lambda one: sum(last - first + 1 for first, last in one.gaps)),
    )


def _telling(found: Sequence[Followed], now: datetime) -> Iterator[Metric]:
    each = partial(_of_said, found)
    yield gauge(
        "scanner_told_seconds",
        "Since the follower last said how it goes.",
        _CHAIN,
        each(lambda said: age_s(said.at, now)),
    )
    yield gauge(
        "scanner_blocks_per_second",
        "Blocks a second when it did.",
        _CHAIN,
        each(lambda said: said.blocks_per_s),
    )
    yield gauge(
        "scanner_records_per_second",
        "New records a second when it did.",
        _CHAIN,
        each(lambda said: said.records_per_s),
    )
    yield counter(
        "scanner_rejected",
        "What could not be decoded since the follower was started.",
        _CHAIN,
        each(lambda said: said.rejected),
    )
    yield gauge(
        "scanner_troubled",
        "1 while something keeps the chain from being followed.",
        _CHAIN,
        each(lambda said: said.trouble is not None),
    )
    yield gauge(
        "scanner_last_trouble_seconds",
        "Since something last kept it from being followed.",
        _CHAIN,
        each(lambda said: age_s(said.last_trouble.at, now) if said.last_trouble else None),
    )


def _nodes(found: Sequence[Followed]) -> Iterator[Metric]:
    each = partial(_of_node, found)
    yield gauge(
        "scanner_nodes",
        "Nodes of the chain by their state.",
        ("chain", "state"),
        (
            ((one.chain, state), sum(node.state == state for node in one.endpoints))
            for one in found
            if one.endpoints
            for state in NODE_STATES
        ),
    )
    yield gauge(
        "node_healthy",
        "1 while the node is asked, 0 while it is left alone.",
        _NODE,
        each(lambda node: node.state == "healthy"),
    )
    yield gauge("node_head", "Newest block that it told of.", _NODE, each(lambda node: node.head))
    yield gauge(
        "node_latency_seconds",
        "Time of an answer.",
        _NODE,
        each(lambda node: None if node.latency_ms is None else node.latency_ms / 1000),
    )
    yield counter(
        "node_answers",
        "Answers since the follower was started.",
        _NODE,
        each(lambda node: node.answers),
    )
    yield counter(
        "node_faults",
        "Faults since the follower was started.",
        _NODE,
        each(lambda node: node.faults),
    )


def _of_scanner(found: Sequence[Followed], figure: Callable[[Scanner], float | None]) -> Values:
    return (((one.chain,), figure(one.scanner)) for one in found if one.scanner)


def _of_said(found: Sequence[Followed], figure: Callable[[Said], float | None]) -> Values:
    return (((one.chain,), figure(one.said)) for one in found if one.said)


def _of_node(found: Sequence[Followed], figure: Callable[[Endpoint], float | None]) -> Values:
    return (((one.chain, node.name), figure(node)) for one in found for node in one.endpoints)
