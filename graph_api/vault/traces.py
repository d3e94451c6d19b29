"""Traces that were kept."""

from typing import Final

from graph_api.vault.shelves import Kept, Shelf
from graph_api.vault.tables import traces

__all__ = [
    "Kept",
    "bodies",
    "by_ids",
    "call",
    "history",
    "publish",
    "remove",
    "save",
    "withdraw",
]

_SHELF: Final = Shelf(traces, noun="trace")

save, by_ids, bodies, history = _SHELF.save, _SHELF.by_ids, _SHELF.bodies, _SHELF.history
call, publish, withdraw, remove = _SHELF.call, _SHELF.publish, _SHELF.withdraw, _SHELF.remove
