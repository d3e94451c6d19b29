"""Which evidence a question wants: kinds of it, put together like sets."""

from collections.abc import Iterable
from typing import Final

import msgspec

from graph_api.domain.clusters import Evidence, Heuristic
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId

_DEEPEST: Final = 5

Pair = tuple[AccountId, AccountId]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of wallets that one of ``any_of`` links, that all of ``all_of`` link, and that none of
    ``none_of`` links; each part is a kind of evidence or a choice again. An empty part says
    nothing.
    """

    any_of: tuple["Heuristic | Choice", ...] = ()
    all_of: tuple["Heuristic | Choice", ...] = ()
    none_of: tuple["Heuristic | Choice", ...] = ()

    def heuristics(self) -> frozenset[Heuristic]:
        """The kinds of evidence that it has to know of."""
        return frozenset(_named(self, 1))

    def of(self, evidence: Iterable[Evidence]) -> list[Evidence]:
        """The links that it takes: those of its kinds between its pairs."""
        some = list(evidence)
        pairs, kinds = _pairs(self, some), self._taken()
        return [one for one in some if one.heuristic in kinds and (one.start, one.end) in pairs]

    def _taken(self) -> frozenset[Heuristic]:
        return frozenset(_named(self, 1, takes=True))


def _named(choice: Choice, depth: int, *, takes: bool = False) -> Iterable[Heuristic]:
    if depth > _DEEPEST:
        raise BadInput(f"A choice of heuristics goes {_DEEPEST} levels deep at most.")
    if not (choice.any_of or choice.all_of):
        yield from Heuristic
    parts = (*choice.any_of, *choice.all_of, *(() if takes else choice.none_of))
    for part in parts:
        if isinstance(part, Choice):
            yield from _named(part, depth + 1, takes=takes)
        else:
            yield part


def _pairs(part: Heuristic | Choice, evidence: list[Evidence]) -> set[Pair]:
    if not isinstance(part, Choice):
        return {(one.start, one.end) for one in evidence if one.heuristic is part}
    found = {(one.start, one.end) for one in evidence}
    if part.any_of:
        found &= set().union(*(_pairs(one, evidence) for one in part.any_of))
    for one in part.all_of:
        found &= _pairs(one, evidence)
    for one in part.none_of:
        found -= _pairs(one, evidence)
    return found
