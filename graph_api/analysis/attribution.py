"""Whom a wallet most likely belongs to, when several sources say something about it."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

#: A name that is only claimed with this much less confidence than the surest one cannot win.
MAX_CONFIDENCE_DROP: Final = 0.2


class Claim(Protocol):
    """What is weighed: something that somebody says with a confidence in (0, 1]."""

    @property
    def confidence(self) -> float:
        """How sure it is."""
        ...


C = TypeVar("C", bound=Claim)


def winner(claims: Iterable[C], *, name: Callable[[C], str | None]) -> C | None:
    """The surest claim of the name that has most weight; None where no claim has a name.

    A claim weighs its confidence squared, so that a few good sources outweigh many poor ones, and
    names whose best claim is more than ``MAX_CONFIDENCE_DROP`` below the best of all are left out.

    Args:
        name: What a claim speaks for, such as the actor that it names; None keeps it out.
    Source: GraphSense's digest of tags (weights, and the same drop on its scale of 100).
    """
    by_name: dict[str, list[C]] = {}
    for claim in claims:
        named = name(claim)
        if named is not None:
            by_name.setdefault(named, []).append(claim)
    if not by_name:
        return None
    surest = {key: max(claim.confidence for claim in some) for key, some in by_name.items()}
    floor = max(surest.values()) - MAX_CONFIDENCE_DROP
    best = min(
        (key for key in by_name if surest[key] >= floor - 1e-9),
        key=lambda key: (-_weight(by_name[key]), -surest[key], key),
    )
    return next(claim for claim in by_name[best] if claim.confidence == surest[best])


def _weight(claims: Iterable[Claim]) -> float:
    return round(sum(claim.confidence**2 for claim in claims), 9)
