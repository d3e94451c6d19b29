"""Which flows and transfers count for a question, as of its moment and within its window."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from graph_api.analysis.paths.roads import EVER, Bounds, Road
from graph_api.analysis.paths.wishes import Hop, PathOrder, Wish, place_in_time
from graph_api.domain.chains import chain_of
from graph_api.services.as_of import AsOf
from graph_api.services.timed_paths.questions import PathsQuestion
from graph_api.store import blocks, chains
from graph_api.store.blocks import Window
from graph_api.store.graph import Graph
from graph_api.store.ledger.states import flow_id
from graph_api.store.timed_walks import RoadRow, RoadWish, TimedTransfer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


class Judge:
    """What is known of a chain at the moment of a question.

    Where the time of some transfers is not known, the times of flows bound nothing: those are not
    among them.
    """

    def __init__(
        self, asked: PathsQuestion, as_of: AsOf, *, tells_all_times: bool, slack_ms: int = 0
    ) -> None:
        self.as_of, self.slack_ms = as_of, slack_ms
        self._asked, self._trusts = asked, tells_all_times
        self._family = chain_of(as_of.chain).family
        self._last_ms = _ms(as_of.at)

    @classmethod
    async def at(cls, graph: Graph, asked: PathsQuestion, *, now: datetime) -> "Judge":
        """As of the moment and block that are asked for, or of now."""
        chain = asked.on
        known = (await chains.by_ids(graph, [chain]))[chain]
        moment, last = min(asked.as_of or now, now), known.last_block
        if asked.as_of is not None and known.tells_times:
            last = _lower(last, await blocks.highest_until(graph, chain, moment))
        return cls(
            asked,
            AsOf(chain=chain, block=_lower(last, asked.as_of_block), at=moment),
            tells_all_times=known.tells_times and not known.untimed,
            slack_ms=blocks.slack(chain) // _MS,
        )

    @property
    def window(self) -> Window | None:
        """The window of the question up to its moment and block; None where it has none."""
        asked = self._asked
        if asked.since is None and asked.until is None:
            return None
        until = min(asked.until or self.as_of.at, self.as_of.at)
        return Window(since=asked.since, until=until, to_block=self.as_of.block)

    def bounds(self, asked: PathsQuestion) -> Bounds:
        """What hops have to keep to from the beginning."""
        since = -EVER if asked.since is None else _ms(asked.since)
        until = self._last_ms if asked.until is None else min(_ms(asked.until), self._last_ms)
        return Bounds(since, until, max(asked.min_raw or 0, 1))

    def narrowed(self, bounds: Bounds, worst: tuple[Hop, ...], by: PathOrder) -> Bounds:
        """What hops have to keep to, to be on a path that is better than ``worst``."""
        first, last = worst[0].at, worst[-1].at
        if by is PathOrder.AMOUNT:
            least = min(hop.amount or 0 for hop in worst)
            return bounds._replace(least=max(bounds.least, least))
        if by is PathOrder.LATEST_DEPARTURE and first is not None:
            return bounds._replace(since=max(bounds.since, first - self.slack_ms))
        if by is PathOrder.EARLIEST_ARRIVAL and last is not None:
            return bounds._replace(until=min(bounds.until, last + self.slack_ms))
        return bounds

    def road_wish(self, wish: Wish, bounds: Bounds) -> RoadWish:
        """What the graph is asked for."""
        timed = self._trusts
        return RoadWish(
            token=wish.token,  # type: ignore[arg-type]
            since_ms=int(bounds.since) if timed and bounds.since > -EVER else None,
            until_ms=int(bounds.until) if timed else None,
            least=bounds.least,
        )

    def road(self, row: RoadRow) -> Road:
        """A flow, between those of its times that bound it."""
        first, last = (row.first_ms, row.last_ms) if self._trusts else (None, None)
        return Road(
            id=row.id,
            sender=row.sender,
            recipient=row.recipient,
            token=row.token,
            first=-EVER if first is None else first,
            last=EVER if last is None else last,
            amount=None if row.amount_raw is None else int(row.amount_raw),
        )

    def roads(self, rows: Iterable[TimedTransfer]) -> list[Road]:
        """The flows that transfers make up, which are all of them within the window."""
        flows: dict[tuple[str, str, str | None], list[Hop]] = defaultdict(list)
        for row in rows:
            if self.counts(row):
                hop = self.hop(row)
                flows[hop.sender, hop.recipient, hop.token].append(hop)
        return [_road(ends, hops) for ends, hops in flows.items()]

    def counts(self, row: TimedTransfer) -> bool:
        """Whether a transfer had happened by then, and lies within the window."""
        if row.block_number is None and row.block_time is None:
            return False
        last = self.as_of.block
        if last is not None and row.block_number is not None and row.block_number > last:
            return False
        if row.block_time is None:
            return self._asked.since is None and self._asked.until is None
        until = min(self._asked.until or self.as_of.at, self.as_of.at)
        return (self._asked.since or row.block_time) <= row.block_time <= until

    def hop(self, row: TimedTransfer, *, index: int | None = None) -> Hop:
        """A transfer in terms of paths; ``index`` is its transaction's place in the block."""
        place = place_in_time(
            self._family,
            id=row.id,
            position=row.position,
            block_number=row.block_number,
            block_time=row.block_time,
            index=index,
        )
        return Hop(
            id=row.id,
            sender=row.sender,
            recipient=row.recipient,
            place=place,
            at=None if row.block_time is None else _ms(row.block_time),
            token=row.token,
            amount=None if row.amount_raw is None else int(row.amount_raw),
        )


def _road(ends: tuple[str, str, str | None], hops: list[Hop]) -> Road:
    sender, recipient, token = ends
    amounts = [hop.amount for hop in hops if hop.amount is not None]
    # Within a window every transfer that counts has a time.
    times = [hop.at for hop in hops if hop.at is not None]
    return Road(
        id=flow_id(sender, recipient, token),
        sender=sender,
        recipient=recipient,
        token=token,
        first=min(times),
        last=max(times),
        amount=sum(amounts) if len(amounts) == len(hops) else None,
    )


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MS


def _lower(one: int | None, other: int | None) -> int | None:
    """The lower one of those that are known."""
    known = [block for block in (one, other) if block is not None]
    return min(known, default=None)
