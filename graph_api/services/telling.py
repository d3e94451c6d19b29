"""What subscribers look at and events do not say: whose wallets, which assets, how many dollars."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from graph_api.domain.amounts import raw_of
from graph_api.domain.events import Event, Line
from graph_api.domain.ids import AccountId
from graph_api.domain.prices import value
from graph_api.live.hub import Facts
from graph_api.services import attribution
from graph_api.store import prices
from graph_api.store.actors import ActorRow
from graph_api.store.graph import Graph
from graph_api.store.prices import Moment, PricedToken
from graph_api.store.records import moment

#: The property that holds the types of sender and recipient.
ACTOR_TYPES: Final = "actor_types"
#: The property that holds the ids of the actors whom sender and recipient belong to.
ACTORS: Final = "actors"
#: The property that holds the id of the asset that a transfer's token stands for.
ASSET: Final = "asset"
#: The property that holds what a transfer was worth in its block's time, US dollars.
USD: Final = "usd"
#: How long it is remembered whose a wallet is, and of how many; and what tokens stand for.
REMEMBERED: Final = timedelta(seconds=30)
_MOST: Final = 50_000


def transfer_facts(
    graph: Graph, *, clock: Callable[[], datetime], tolerance_s: float
) -> dict[Line, tuple[Facts, ...]]:
    """Everything that is known of transfers beyond what their events say, for a hub.

    ``tolerance_s`` is how much older than a transfer its price may be.
    """
    types = ActorTypes(graph, clock=clock).facts
    worth = Worth(graph, clock=clock, tolerance_s=tolerance_s).facts
    # What is told of OTC says itself who deals and for how much.
    assets, _ = worth
    return {
        Line.TRANSFERS: (types, *worth),
        Line.FINALIZED: (types, *worth),
        Line.OTC: (assets,),
    }


class Owners:
    """Whose wallets are, as far as labels say; remembered for a moment."""

    def __init__(self, graph: Graph, *, clock: Callable[[], datetime]) -> None:
        self._graph, self._clock = graph, clock
        self._known: dict[AccountId, ActorRow | None] = {}
        self._known_until: datetime | None = None

    async def of(self, events: Sequence[Event]) -> dict[AccountId, ActorRow | None]:
        """The actors of all who send or receive in ``events``. Raises: UpstreamUnavailable."""
        known = self._remembered()
        unknown = sorted(
            {wallet for event in events for wallet in wallets_of(event)} - known.keys()
        )
        if unknown:
            owners = await attribution.owners(self._graph, unknown, now=self._clock())
            known.update((one, owners.get(one)) for one in unknown)
        return known

    def _remembered(self) -> dict[AccountId, ActorRow | None]:
        now = self._clock()
        if self._known_until is None or now >= self._known_until or len(self._known) > _MOST:
            self._known, self._known_until = {}, now + REMEMBERED
        return self._known


class ActorTypes:
    """Adds to events of transfers which actors their wallets belong to, and of what kind."""

    def __init__(self, graph: Graph, *, clock: Callable[[], datetime]) -> None:
        self._owners = Owners(graph, clock=clock)

    @property
    def facts(self) -> Facts:
        """The same for a hub."""
        return Facts(fields=frozenset([ACTOR_TYPES, ACTORS]), find=self.find)

    async def find(self, events: Sequence[Event]) -> list[Event]:
        """The events with their actors. Raises: UpstreamUnavailable."""
        owners = await self._owners.of(events)
        return [_with_actors(event, owners) for event in events]


class Worth:
    """Adds to events of transfers which assets moved, and what they were worth then.

    A price is the newest that was known at the block's time and is not older than the tolerance,
    as it is for transfers in the graph; where none is, or no amount, nothing is added. The value is
    the exact product, rounded once to a millionth of a dollar.
    """

    def __init__(self, graph: Graph, *, clock: Callable[[], datetime], tolerance_s: float) -> None:
        self._graph, self._clock = graph, clock
        self._tolerance = timedelta(seconds=tolerance_s)
        self._tokens: dict[str, PricedToken] = {}
        self._known_until: datetime | None = None

    @property
    def facts(self) -> tuple[Facts, Facts]:
        """The same for a hub: assets alone cost no look at prices."""
        return (
            Facts(fields=frozenset([ASSET]), find=self.find_assets),
            Facts(fields=frozenset([USD]), find=self.find_values),
        )

    async def find_assets(self, events: Sequence[Event]) -> list[Event]:
        """The events with the assets that their tokens stand for. Raises: UpstreamUnavailable."""
        tokens = await self.tokens()
        return [
            event
            if (token := tokens.get(event.body["token"])) is None
            else _with(event, ASSET, token.asset)
            for event in events
        ]

    async def find_values(self, events: Sequence[Event]) -> list[Event]:
        """The events with their value. Raises: UpstreamUnavailable."""
        values = await self.of([event.body for event in events])
        return [
            event if usd is None else _with(event, USD, usd)
            for event, usd in zip(events, values, strict=True)
        ]

    async def of(self, bodies: Sequence[dict[str, Any]]) -> list[float | None]:
        """What each transfer was worth, US dollars. Raises: UpstreamUnavailable."""
        tokens = await self.tokens()
        asked = [_priced(body, tokens) for body in bodies]
        wanted = sorted({one for one in asked if one is not None}, key=_by_asset)
        known = await prices.at(self._graph, wanted) if wanted else {}
        found: list[float | None] = []
        for body, at in zip(bodies, asked, strict=True):
            price = known.get(at) if at is not None else None
            if at is None or at.at is None or price is None or price.at < at.at - self._tolerance:
                found.append(None)
                continue
            decimals = tokens[body["token"]].decimals
            assert decimals is not None
            raw = raw_of(body["amount_raw"])
            found.append(value(raw, decimals=decimals, usd=Decimal(price.usd)))
        return found

    async def tokens(self) -> dict[str, PricedToken]:
        """The tokens that stand for assets, by their ids."""
        now = self._clock()
        if self._known_until is None or now >= self._known_until:
            rows = await prices.priced_tokens(self._graph)
            self._tokens, self._known_until = {row.token: row for row in rows}, now + REMEMBERED
        return self._tokens


def wallets_of(event: Event) -> Iterator[AccountId]:
    """Who sends and who receives."""
    for role in ("sender", "recipient"):
        if (wallet := event.body.get(role)) is not None:
            yield AccountId(wallet)


def _with_actors(event: Event, owners: dict[AccountId, ActorRow | None]) -> Event:
    actors = [actor for wallet in wallets_of(event) if (actor := owners[wallet]) is not None]
    if not actors:
        return event
    types = sorted({actor.type for actor in actors})
    return _with(_with(event, ACTOR_TYPES, types), ACTORS, sorted({one.id for one in actors}))


def _with(event: Event, name: str, found: object) -> Event:
    return replace(event, body={**event.body, name: found})


def _priced(body: dict[str, Any], tokens: dict[str, PricedToken]) -> Moment | None:
    """What has to be known to price a transfer; None where it cannot be priced."""
    token, time = tokens.get(body["token"]), body["block_time"]
    if token is None or token.decimals is None or body["amount_raw"] is None or time is None:
        return None
    return Moment(asset=token.asset, at=moment(time))


def _by_asset(one: Moment) -> tuple[str, float]:
    return one.asset, one.at.timestamp() if one.at else 0.0
