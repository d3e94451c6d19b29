"""Traces on account chains, where a wallet's holding of a token is a balance that is paid from.

Everything that ever moved into or out of a place which traced value may reach has to be among the
movements: it decides how much of what leaves is traced. Where a history begins late, so that a
place pays more than it was seen to receive, the shortfall is taken for untraced units that it had
at first, the oldest of all; the answer names them.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from graph_api.analysis.tracing.ledger import Ledger
from graph_api.analysis.tracing.limits import Budget, Meter, Stops
from graph_api.analysis.tracing.moves import Crossing, Moves, Seeds
from graph_api.analysis.tracing.pieces import NONE, Fate, Traced
from graph_api.analysis.tracing.policies import Policy
from graph_api.analysis.tracing.pools import Haircut, Poison, Tiho
from graph_api.analysis.tracing.queues import Fifo, Lifo

_LEDGERS: Final[dict[Policy, type[Ledger]]] = {
    Policy.POISON: Poison,
    Policy.HAIRCUT: Haircut,
    Policy.FIFO: Fifo,
    Policy.LIFO: Lifo,
    Policy.TIHO: Tiho,
}


def follow(
    moves: Moves,
    seeds: Seeds,
    *,
    policy: Policy | type[Ledger],
    stops: Stops | None = None,
    barred: Mapping[int, Fate] | None = None,
    crossings: Sequence[Crossing] = (),
    budget: Budget | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Traced:
    """Where the seeds went. ``barred`` places end what reaches them, unless they are seeds.

    Takes time in proportion to the movements and to the pieces that come of them.
    """
    ledger = _LEDGERS[policy] if isinstance(policy, Policy) else policy
    meter = Meter(budget or Budget(), clock)
    return ledger(
        moves, seeds, crossings, stops=stops or Stops(), barred=barred or {}, meter=meter
    ).run()


def follow_back(
    moves: Moves,
    seeds: Seeds,
    *,
    policy: Policy,
    stops: Stops | None = None,
    barred: Mapping[int, Fate] | None = None,
    crossings: Sequence[Crossing] = (),
    budget: Budget | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Traced:
    """Where the seeds came from; events and seeds are numbered as they happened."""
    turn = len(moves.amounts) - 1
    found = follow(
        moves.turned(),
        seeds.turned(turn),
        policy=policy,
        stops=stops,
        barred=barred,
        crossings=[one.turned(turn) for one in crossings],
        budget=budget,
        clock=clock,
    )
    return as_origins(found, turn)


_BACKWARDS: Final = {Fate.HELD: Fate.ORIGIN, Fate.FEE: Fate.ISSUED}


def as_origins(found: Traced, turn: int) -> Traced:
    """What was found among movements turned round, in the words for where value came from."""
    events = (event if event == NONE else turn - event for event in found.pieces.events)
    pieces = replace(found.pieces, events=array("q", events))
    ends = [end._replace(fate=_BACKWARDS.get(end.fate, end.fate)) for end in found.ends]
    return replace(found, pieces=pieces, ends=ends)
