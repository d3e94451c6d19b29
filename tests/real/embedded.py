"""The embedded graph, small, for a test session."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from deskgraph.engines.arcadedb import embedded_graph
from graph_api.settings import EmbeddedSettings
from graph_api.store.address import GraphAddress

HEAP_MB = 768


def start_embedded(
    folder: Path, *, query_timeout_s: float = 60.0
) -> AbstractAsyncContextManager[GraphAddress]:
    """An empty embedded graph below ``folder`` while the block lasts."""
    settings = EmbeddedSettings(heap_mb=HEAP_MB)
    return embedded_graph(folder, settings, query_timeout_s=query_timeout_s)
