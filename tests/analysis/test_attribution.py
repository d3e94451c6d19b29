"""Whose wallet it is: many weak claims, few strong ones, and names that are out of the running."""

import msgspec
import pytest

from graph_api.analysis.attribution import winner


class Said(msgspec.Struct, frozen=True):
    name: str | None
    confidence: float


def best(*claims: tuple[str | None, float]) -> tuple[str | None, float] | None:
    found = winner([Said(*claim) for claim in claims], name=lambda claim: claim.name)
    return None if found is None else (found.name, found.confidence)


@pytest.mark.parametrize(
    ("claims", "wins"),
    [
        ([], None),
        ([(None, 1.0)], None),
        ([("a", 0.5)], ("a", 0.5)),
        # 0.5² + 0.5² > 0.6²: two sources outweigh one that is a little surer.
        ([("a", 0.6), ("b", 0.5), ("b", 0.5)], ("b", 0.5)),
        # 0.6² > 0.4² + 0.4²: but not two that are much less sure.
        ([("b", 0.4), ("a", 0.6), ("b", 0.4)], ("a", 0.6)),
        # A hundred guesses weigh more than a proof, and cannot win against it.
        ([("a", 1.0), *[("b", 0.2)] * 100], ("a", 1.0)),
        # On the edge of the allowed drop, in spite of how floats are kept.
        ([("a", 0.7), *[("b", 0.5)] * 3], ("b", 0.5)),
        ([("b", 0.5), ("a", 0.5)], ("a", 0.5)),
        ([("a", 0.3), ("a", 0.4)], ("a", 0.4)),
    ],
)
def test_the_name_of_most_weight_wins(
    claims: list[tuple[str | None, float]], wins: tuple[str | None, float] | None
) -> None:
    assert best(*claims) == wins
    assert best(*reversed(claims)) == wins
