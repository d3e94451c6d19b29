"""Timing traces: seeded, and never without the plain way to the same answer."""

import pytest

from bench import traces
from graph_api.analysis.tracing.moves import Moves, Seeds
from graph_api.analysis.tracing.policies import Policy


def test_both_ways_agree_on_seeded_movements() -> None:
    moves = traces.movements(3_000, wallets=50, hub_share=0.3)

    figures = traces.measure(moves, [Policy.FIFO, Policy.TIHO])

    assert moves == traces.movements(3_000, wallets=50, hub_share=0.3)
    assert [(one.way, one.seed) for one in figures] == [
        ("ours", "payment"),
        ("plain Python", "payment"),
        ("ours", "payment"),
        ("ours", "hub"),
        ("plain Python", "hub"),
        ("ours", "hub"),
    ]


def test_ways_that_disagree_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(moves: Moves, seeds: Seeds) -> dict[int, int]:
        return {0: 1}

    monkeypatch.setattr(traces, "plain_fifo", wrong)

    with pytest.raises(traces.Disagree):
        traces.measure(traces.movements(500, wallets=9, hub_share=0.3), [Policy.FIFO])
