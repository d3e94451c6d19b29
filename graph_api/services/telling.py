"""What subscribers look at and events do not say: whose wallets they speak of."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from graph_api.domain.events import Event
from graph_api.domain.ids import AccountId
from graph_api.live.hub import Facts
from graph_api.services import attribution
from graph_api.store.graph import Graph

#: The property that holds the types of sender and recipient.
ACTOR_TYPES: Final = "actor_types"
#: How long it is remembered whose a wallet is, and of how many.
REMEMBERED: Final = timedelta(seconds=30)
_MOST: Final = 50_000


class ActorTypes:
    """Adds to events of transfers what kind of actors their wallets belong to."""

    def __init__(self, graph: Graph, *, clock: Callable[[], datetime]) -> None:
        self._graph, self._clock = graph, clock
        self._known: dict[AccountId, str | None] = {}
        self._known_until: datetime | None = None

    @property
    def facts(self) -> Facts:
        """The same for a hub."""
        return Facts(fields=frozenset([ACTOR_TYPES]), find=self.find)

    async def find(self, events: Sequence[Event]) -> list[Event]:
        """The events with the types of their actors. Raises: UpstreamUnavailable."""
        known = self._remembered()
        unknown = sorted({wallet for event in events for wallet in _wallets(event)} - known.keys())
        if unknown:
            owners = await attribution.owners(self._graph, unknown, now=self._clock())
            known.update((one, owners[one].type if one in owners else None) for one in unknown)
        return [_with_types(event, known) for event in events]

    def _remembered(self) -> dict[AccountId, str | None]:
        now = self._clock()
        if self._known_until is None or now >= self._known_until or len(self._known) > _MOST:
            self._known, self._known_until = {}, now + REMEMBERED
        return self._known


def _with_types(event: Event, known: dict[AccountId, str | None]) -> Event:
    types = {known[wallet] for wallet in _wallets(event)} - {None}
    return replace(event, body={**event.body, ACTOR_TYPES: [*types]}) if types else event


def _wallets(event: Event) -> list[AccountId]:
    found = (event.body.get("sender"), event.body.get("recipient"))
    return [AccountId(wallet) for wallet in found if wallet is not None]
