"""Where to begin to draw a node: a place that follows from its id and from nothing else.

Whatever else is in a picture, the same node begins at the same place, so that pictures of the same
surroundings look alike after a layout has pulled neighbours together. Places are spread evenly
over a disk: the square root of an even number is the distance, a second even number the angle.
"""

from hashlib import blake2b
from math import cos, pi, sin, sqrt
from typing import Final, NamedTuple

_STEPS: Final = 2**32
#: A millionth of the disk's radius is finer than any screen.
_DIGITS: Final = 6


class Place(NamedTuple):
    """A point of the disk around 0, 0 of radius 1."""

    x: float
    y: float


def drawn_at(id: str) -> Place:
    """Where the node of that id begins."""
    digest = blake2b(id.encode(), digest_size=8, person=b"layout").digest()
    distance = sqrt(int.from_bytes(digest[:4], "big") / _STEPS)
    angle = 2 * pi * int.from_bytes(digest[4:], "big") / _STEPS
    return Place(round(distance * cos(angle), _DIGITS), round(distance * sin(angle), _DIGITS))
