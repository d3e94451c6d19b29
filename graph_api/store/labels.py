"""Questions about labels: the sourced claims about wallets."""

import msgspec

from graph_api.domain.records import Label
from graph_api.store.graph import Graph


async def label_by_id(graph: Graph, label: str) -> Label | None:
    """One claim as it stands, withdrawn or not, with all the accounts that it speaks of."""
    found = await graph.read("labels/by_ids", Label, ids=[label])
    if not found:
        return None
    return msgspec.structs.replace(found[0], accounts=tuple(sorted(found[0].accounts)))
