"""Clusters on terms of somebody's own that were kept."""

from typing import Final

from graph_api.vault.shelves import Shelf
from graph_api.vault.tables import cluster_replays

_SHELF: Final = Shelf(cluster_replays, noun="replay")

save, by_ids, bodies, history = _SHELF.save, _SHELF.by_ids, _SHELF.bodies, _SHELF.history
call, publish, withdraw, remove = _SHELF.call, _SHELF.publish, _SHELF.withdraw, _SHELF.remove
