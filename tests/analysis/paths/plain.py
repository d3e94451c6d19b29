"""Small worlds of transfers in time, and every path in them, found by trying."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from graph_api.analysis.paths.wishes import Hop, PathOrder, Wish

WALLETS = "abcdef"
TOKENS = ("x", "y")


@st.composite
def hops(draw: st.DrawFn, *, most: int = 16) -> list[Hop]:
    """Transfers between a few wallets, some at one place, some of no known amount or time."""
    found = []
    for number in range(draw(st.integers(0, most))):
        place = draw(st.integers(0, 9))
        found.append(
            Hop(
                id=f"{number:02}",
                sender=draw(st.sampled_from(WALLETS)),
                recipient=draw(st.sampled_from(WALLETS)),
                place=(place,),
                at=draw(st.sampled_from([place // 2 * 1_000] * 5 + [None])),
                token=draw(st.sampled_from(TOKENS)),
                amount=draw(st.sampled_from([*range(9), None])),
            )
        )
    return found


def every_path(
    found: Collection[Hop], wish: Wish, *, starts: Collection[str], ends: Collection[str]
) -> list[tuple[Hop, ...]]:
    """All paths that are wanted, the best first: by trying every transfer after every other."""
    usable = [hop for hop in found if wish.takes(hop)]

    def on(path: tuple[Hop, ...]) -> Iterator[tuple[Hop, ...]]:
        if path[-1].recipient in ends:
            yield path
        elif len(path) < wish.max_hops:
            passed = {*starts, *(hop.sender for hop in path), path[-1].recipient}
            for hop in usable:
                if hop.recipient not in passed and wish.follows(hop, path[-1]):
                    yield from on((*path, hop))

    first = [hop for hop in usable if hop.sender in starts and hop.recipient not in starts]
    whole = [path for hop in first for path in on((hop,))]
    return _distinct(sorted(whole, key=lambda path: _key(path, wish.by)), routes=wish.routes)


def _key(path: Sequence[Hop], by: PathOrder) -> tuple[Any, ...]:
    first, last = path[0], path[-1]
    measure: Any = 0
    if by is PathOrder.AMOUNT:
        measure = -min(hop.amount or 0 for hop in path)
    elif by is PathOrder.EARLIEST_ARRIVAL:
        measure = last.place
    elif by is PathOrder.LATEST_DEPARTURE:
        measure = -first.place[0]
    elif by is PathOrder.FASTEST:
        measure = (last.at or 0) - (first.at or 0)
    return measure, len(path), last.place, [(hop.place, hop.id) for hop in path]


def _distinct(paths: list[tuple[Hop, ...]], *, routes: bool) -> list[tuple[Hop, ...]]:
    if not routes:
        return paths
    best: dict[tuple[str, ...], tuple[Hop, ...]] = {}
    for path in paths:
        best.setdefault((path[0].sender, *(hop.recipient for hop in path)), path)
    return list(best.values())
