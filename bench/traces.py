"""Traces over generated movements with a hub in the middle, beside a plain way to the same answer.

``python -m bench traces [--events 1000000] [--hub 0.3] [--policy fifo]`` makes seeded movements
between wallets of which one takes part in every third, traces two seeds through them, and does the
same by plain Python: a list of units for each wallet, every one of them kept apart, whoever it is
of. ``payment`` is one transfer early on; ``hub`` is everything that ever passed the hub, the worst
case. Both ways must agree on what every wallet holds. Times are of one process, in memory;
beside them stand its CPU time, which a busy machine disturbs less, and the most memory that it has
had so far, movements included. ``--events 10000000 --hub 0.1`` is a hub of a million.
"""

import argparse
import random
import resource
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bench.output import Table, write_json
from graph_api.analysis.tracing.accounts import follow
from graph_api.analysis.tracing.moves import Moves, Seeds
from graph_api.analysis.tracing.pieces import Traced
from graph_api.analysis.tracing.policies import Policy

#: The wallet that everybody deals with.
HUB: Final = 0
_SKEW: Final = 0.6
_EARLY: Final = 1_000


class Disagree(Exception):
    """The two ways answer differently."""


class Figure(msgspec.Struct):
    """What one way took for one trace."""

    way: str
    policy: str
    seed: str
    events: int
    seconds: float
    cpu_s: float
    pieces: int | None
    wallets: int
    peak_mb: int


class Timed(NamedTuple):
    """An answer, and what it took."""

    answer: object
    seconds: float
    cpu_s: float


def movements(events: int, *, wallets: int, hub_share: float, seed: int = 7) -> Moves:
    """Payments between wallets, few of which make most; the same arguments give the same."""
    chance = random.Random(seed)
    busy = list(accumulate((rank + 1) ** -_SKEW for rank in range(wallets)))
    senders = chance.choices(range(wallets), cum_weights=busy, k=events)
    recipients = chance.choices(range(wallets), cum_weights=busy, k=events)
    for event in range(events):
        side = chance.random()
        if side < hub_share / 2:
            senders[event] = HUB
        elif side < hub_share:
            recipients[event] = HUB
    return Moves(
        places=wallets,
        senders=senders,
        recipients=recipients,
        amounts=[round(chance.paretovariate(1.2) * 10**18) for _ in range(events)],
        transactions=[event // 2 for event in range(events)],
    )


def plain_fifo(moves: Moves, seeds: Seeds) -> dict[int, int]:
    """What is traced of each wallet at the end: each keeps a queue of amounts and flags."""
    queues: dict[int, deque[tuple[int, bool]]] = defaultdict(deque)
    for place, missing in enumerate(moves.openings()[:-1]):
        if missing:
            queues[place].append((missing, place in seeds.places))
    for event, amount in enumerate(moves.amounts):
        queue, recipient = queues[moves.senders[event]], moves.recipients[event]
        begins = event in seeds.events or recipient in seeds.places
        came, left = [], amount
        while left:
            raw, flag = queue.popleft()
            if raw > left:
                queue.appendleft((raw - left, flag))
                raw = left
            came.append((raw, flag or begins))
            left -= raw
        queues[recipient].extend(came)
    held = {place: sum(raw for raw, flag in queue if flag) for place, queue in queues.items()}
    return {place: raw for place, raw in held.items() if raw}


def held_of(found: Traced) -> dict[int, int]:
    """The same of a trace."""
    sums: Counter[int] = Counter()
    for piece, raw, _ in found.ends:
        sums[found.pieces[piece].place] += int(raw)
    return dict(sums)


def timed(work: Callable[[], object]) -> Timed:
    """What ``work`` answers and takes."""
    began, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return Timed(answer, time.perf_counter() - began, time.process_time() - cpu)


def measure(moves: Moves, policies: Sequence[Policy]) -> list[Figure]:
    """Every policy for both seeds, and FIFO the plain way too. Raises: Disagree."""
    table = Table("way", "policy", "seed", "s", "CPU s", "pieces", "wallets", "peak MB")
    figures = []
    seeds = {
        "payment": Seeds(events=frozenset([min(_EARLY, len(moves.amounts) - 1)])),
        "hub": Seeds(places=frozenset([HUB])),
    }
    for name, seed in seeds.items():
        for policy in policies:

            def ours(seed: Seeds = seed, policy: Policy = policy) -> Traced:
                return follow(moves, seed, policy=policy)

            run = timed(ours)
            assert isinstance(run.answer, Traced)
            found = run.answer
            wallets = len({piece.place for piece in found.pieces})
            figures.append(
                Figure(
                    "ours",
                    policy.value,
                    name,
                    len(moves.amounts),
                    round(run.seconds, 2),
                    round(run.cpu_s, 2),
                    len(found.pieces),
                    wallets,
                    _peak_mb(),
                )
            )
            table.row(*_cells(figures[-1]))
            if policy is not Policy.FIFO:
                continue

            def plain(seed: Seeds = seed) -> dict[int, int]:
                return plain_fifo(moves, seed)

            other = timed(plain)
            if other.answer != held_of(found):
                raise Disagree(f"FIFO from {name}: the plain way finds something else.")
            figures.append(
                Figure(
                    "plain Python",
                    policy.value,
                    name,
                    len(moves.amounts),
                    round(other.seconds, 2),
                    round(other.cpu_s, 2),
                    None,
                    len(held_of(found)),
                    _peak_mb(),
                )
            )
            table.row(*_cells(figures[-1]))
    return figures


def _cells(figure: Figure) -> list[object]:
    pieces = "" if figure.pieces is None else f"{figure.pieces:,}"
    return [
        figure.way,
        figure.policy,
        figure.seed,
        figure.seconds,
        figure.cpu_s,
        pieces,
        f"{figure.wallets:,}",
        f"{figure.peak_mb:,}",
    ]


def _peak_mb() -> int:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000


def main(arguments: Sequence[str]) -> None:
    """Make the movements, measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench traces", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--wallets", type=int, default=100_000)
    parser.add_argument("--hub", type=float, default=1 / 3, help="share of movements of the hub")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--policy", choices=[one.value for one in Policy], action="append")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    moves = movements(asked.events, wallets=asked.wallets, hub_share=asked.hub, seed=asked.seed)
    policies = [Policy(one) for one in asked.policy or list(Policy)]
    write_json(asked.json, measure(moves, policies))
