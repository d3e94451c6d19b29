"""Who wants to hear of an event: interests, and an index by what they name.

An interest names values of an event's body, such as wallets. Finding whom an event concerns takes
a look-up for each property that somebody looks at, however many interests there are; only those
that name nothing are asked about every event.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from graph_api.domain.events import Event, Line

Receiver = TypeVar("Receiver")

#: Stands for the event's chain among the properties of its body.
CHAIN: Final = "chain"


class Interest(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of a line somebody wants.

    Args:
        fields: Properties of an event's body that are looked at, ``CHAIN`` among them. A property
            that holds a list stands for each value in it.
        values: One of the properties must have one of these values; None wants every event.
        test: What must hold besides.
        looks_at: Properties that ``test`` looks at and events do not say themselves.
        present: Events that tell how things stand now, to begin with; asked once, after listening
            has begun, so that nothing falls between.
        ends: Whether nothing follows an event.
        private: Whether it depends on who asks, and not only on what is asked.
        follows: What it changes with while somebody listens; None where it stays as it is.
    """

    line: Line
    fields: tuple[str, ...] = ()
    values: frozenset[str] | None = None
    test: Callable[[Event], bool] | None = None
    looks_at: tuple[str, ...] = ()
    present: Callable[[], Awaitable[Sequence[Event]]] | None = None
    ends: Callable[[Event], bool] | None = None
    private: bool = False
    follows: "Follows | None" = None

    def wants(self, event: Event) -> bool:
        """Whether ``event`` is one of them."""
        if self.values is not None and not any(
            value in self.values for field in self.fields for value in _values(event, field)
        ):
            return False
        return self.test is None or self.test(event)


class Follows(msgspec.Struct, frozen=True, kw_only=True):
    """What an interest changes with.

    Args:
        news: Events that tell of a change.
        again: The interest as it is now; None where nothing has changed.
    """

    news: Interest
    again: Callable[[], Awaitable[Interest | None]]


class Index(Generic[Receiver]):
    """Interests with those who have them."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, ...], dict[str, tuple[Receiver, ...]]] = {}
        self._all: dict[Receiver, Interest] = {}
        self._interests: dict[Receiver, Interest] = {}

    def __len__(self) -> int:
        return len(self._interests)

    def __iter__(self) -> Iterator[Receiver]:
        return iter(tuple(self._interests))

    def add(self, interest: Interest, receiver: Receiver) -> None:
        """Let ``receiver``, which has no other interest here, be found."""
        self._interests[receiver] = interest
        if interest.values is None:
            self._all[receiver] = interest
            return
        self._put(interest.fields, interest.values, receiver)

    def change(self, interest: Interest, receiver: Receiver) -> None:
        """Let ``receiver``, which is here, be found by another interest: as dear as they differ."""
        before = self._interests[receiver]
        if before.values is None or interest.values is None or before.fields != interest.fields:
            self.discard(receiver)
            self.add(interest, receiver)
            return
        self._interests[receiver] = interest
        self._put(interest.fields, interest.values - before.values, receiver)
        self._take(interest.fields, before.values - interest.values, receiver)

    def discard(self, receiver: Receiver) -> None:
        """Let ``receiver`` not be found any more."""
        interest = self._interests.pop(receiver, None)
        if interest is None:
            return
        self._all.pop(receiver, None)
        if interest.values is not None:
            self._take(interest.fields, interest.values, receiver)

    def matches(self, event: Event) -> list[Receiver]:
        """Who wants ``event``, each once."""
        found = dict.fromkeys(self._all)
        for fields, table in self._named.items():
            for field in fields:
                for value in _values(event, field):
                    found.update(dict.fromkeys(table.get(value, ())))
        tests = ((receiver, self._interests[receiver].test) for receiver in found)
        return [receiver for receiver, test in tests if test is None or test(event)]

    def _put(self, fields: tuple[str, ...], values: Iterable[str], receiver: Receiver) -> None:
        table = self._named.setdefault(fields, {})
        for value in values:
            table[value] = (*table.get(value, ()), receiver)

    def _take(self, fields: tuple[str, ...], values: Iterable[str], receiver: Receiver) -> None:
        table = self._named.get(fields, {})
        for value in values:
            left = tuple(one for one in table[value] if one is not receiver)
            if left:
                table[value] = left
            else:
                del table[value]
        if not table:
            self._named.pop(fields, None)


def _values(event: Event, field: str) -> Sequence[Any]:
    value = event.chain if field == CHAIN else event.body.get(field)
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)
