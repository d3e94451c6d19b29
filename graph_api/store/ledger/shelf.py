"""A bounded read-through copy of totals, valid while its writer holds the chain's lease.

Nobody else writes the chain meanwhile, so what was read or written once need not be read again.
Changes stay apart until their transaction has been committed: a failed one leaves no trace.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Container, Iterable
from typing import Generic, TypeVar

import msgspec

State = TypeVar("State", bound=msgspec.Struct)


class Shelf(Generic[State]):
    """States by id: ``kept`` from before, ``touched`` and ``fresh`` in this transaction."""

    def __init__(self, make: Callable[[str], State], *, capacity: int) -> None:
        self._make, self._capacity = make, capacity
        self._kept: OrderedDict[str, State] = OrderedDict()
        self.touched: dict[str, State] = {}
        self.fresh: set[str] = set()

    async def fetch(
        self,
        ids: Iterable[str],
        load: Callable[[list[str]], Awaitable[dict[str, State]]],
        *,
        absent: Container[str] = (),
    ) -> None:
        """Make every one of ``ids`` ready to change: kept, loaded, or new.

        What is ``absent`` is known not to be in the graph and is not looked up.
        """
        missing = []
        for key in ids:
            if key in self.touched:
                continue
            kept = self._kept.get(key)
            if kept is not None:
                self.touched[key] = msgspec.structs.replace(kept)
            else:
                missing.append(key)
        wanted = [key for key in missing if key not in absent]
        found = await load(wanted) if wanted else {}
        for key in missing:
            state = found.get(key)
            if state is None:
                state = self._make(key)
                self.fresh.add(key)
            self.touched[key] = state

    def __getitem__(self, key: str) -> State:
        return self.touched[key]

    def forget(self, key: str) -> None:
        """It is deleted in this transaction; look it up again if it ever comes back."""
        del self.touched[key]
        self._kept.pop(key, None)

    def commit(self) -> None:
        """The transaction holds: keep what it changed, and forget what was not used for long."""
        for key, state in self.touched.items():
            self._kept[key] = state
            self._kept.move_to_end(key)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        self.rollback()

    def rollback(self) -> None:
        """The transaction is gone: forget what it changed."""
        self.touched = {}
        self.fresh = set()
