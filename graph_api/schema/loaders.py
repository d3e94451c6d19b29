"""A loader whose answers may be waited for by many, each of whom may leave."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from strawberry.dataloader import DataLoader


class SharedLoader(DataLoader[Any, Any]):
    """Strawberry's loader, but a cancelled caller does not cancel the answer of the others.

    The standard executor cancels what stands beside a failed field. The library hands the same
    future to all who want a key, so that a field elsewhere would be cancelled with it, and the
    whole operation through it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._callers: dict[asyncio.Future[Any], int] = {}

    def load(self, key: Any) -> Awaitable[Any]:
        """The answer of ``key``; it is given up when all who wanted it have left."""
        answer = super().load(key)
        assert isinstance(answer, asyncio.Future)
        self._callers[answer] = self._callers.get(answer, 0) + 1
        mine = asyncio.shield(answer)
        mine.add_done_callback(lambda done: self._left(answer) if done.cancelled() else None)
        return mine

    def _left(self, answer: asyncio.Future[Any]) -> None:
        self._callers[answer] -= 1
        if not self._callers[answer]:
            answer.cancel()
