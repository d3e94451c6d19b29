"""Runs of units side by side: laid over each other, stretched, and cut out."""

from collections.abc import Iterable, Iterator, Sequence

from graph_api.analysis.tracing.pieces import NONE, Part, Run


def parted(runs: Iterable[Run], parts: Sequence[tuple[int, bool]]) -> Iterator[tuple[Run, bool]]:
    """``runs`` cut where ``parts`` begin and end, and whether they lie in a part that is marked.

    What lies behind the last part is in none.
    """
    cuts = iter(parts)
    left, is_marked = 0, False
    for run, piece in runs:
        raw = run
        while raw:
            while not left:
                left, is_marked = next(cuts, (raw, False))
            taken = min(raw, left)
            yield (taken, piece), is_marked
            raw, left = raw - taken, left - taken


def stretched(runs: Iterable[Part], *, of: int, to: int) -> Iterator[Run]:
    """``runs`` of ``of`` units in all, made ``to`` units long: each begins where its share does."""
    end = 0
    for raw, piece in runs:
        begin, end = end, end + int(raw)
        if length := end * to // of - begin * to // of:
            yield length, piece


def between(runs: Iterable[Run], begin: int, length: int) -> list[Run]:
    """The units from ``begin`` on, ``length`` of them; those that are missing are not traced."""
    found: list[Run] = []
    at, end = 0, begin + length
    for raw, piece in runs:
        first, last = max(at, begin), min(at + raw, end)
        at += raw
        if first < last:
            found.append((last - first, piece))
    missing = length - sum(raw for raw, _ in found)
    return [*found, (missing, NONE)] if missing else found
