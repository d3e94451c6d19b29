"""Who is known to stand behind wallets where traces end."""

from collections.abc import Collection
from datetime import datetime

from graph_api.domain.ids import AccountId
from graph_api.domain.records import ActorType
from graph_api.services import attribution
from graph_api.services.tracing.answers import TraceParty
from graph_api.store import actors
from graph_api.store.graph import Graph


async def parties(
    graph: Graph, wallets: Collection[AccountId], *, at: datetime
) -> dict[AccountId, TraceParty]:
    """The label that each wallet is best known by at a moment, and its actor where one is named."""
    if not wallets:
        return {}
    labels = await attribution.labels_that_win(graph, sorted(wallets), as_of=at, now=at)
    named = sorted({label.actor for label in labels.values() if label.actor})
    known = await actors.by_ids(graph, named) if named else {}
    found = {}
    for wallet, label in labels.items():
        actor = known.get(label.actor or "")
        found[wallet] = TraceParty(
            wallet=wallet,
            label=label.label,
            category=label.category,
            confidence=label.confidence,
            source=label.source,
            actor=label.actor,
            actor_name=actor.name if actor else None,
            actor_type=ActorType(actor.type) if actor else None,
        )
    return found
