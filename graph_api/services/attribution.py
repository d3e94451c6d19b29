"""Whose wallet it is: the label that wins among all that is said of a wallet, and its actor."""

from datetime import datetime
from typing import Final

from graph_api.analysis.attribution import winner
from graph_api.domain.categories import Category
from graph_api.domain.ids import AccountId
from graph_api.domain.words import phrase, words
from graph_api.store import actors, labels
from graph_api.store.actors import ActorRow
from graph_api.store.graph import Graph
from graph_api.store.labels import LabelRow

#: How many labels of a wallet are weighed, the surest of them.
WEIGHED: Final = 200


async def labels_that_win(
    graph: Graph, wallets: list[AccountId], *, as_of: datetime | None = None, now: datetime
) -> dict[AccountId, LabelRow]:
    """The label that each wallet is best known by."""
    said = await labels.of_wallets(graph, wallets, as_of=as_of, now=now, first=WEIGHED)
    found = {wallet: winner(_naming(rows), name=_name) for wallet, rows in said.items()}
    return {wallet: label for wallet, label in found.items() if label is not None}


async def owners(
    graph: Graph, wallets: list[AccountId], *, as_of: datetime | None = None, now: datetime
) -> dict[AccountId, ActorRow]:
    """The actor that each wallet most likely belongs to; none where no source names one."""
    said = await labels.of_wallets(graph, wallets, as_of=as_of, now=now, first=WEIGHED)
    named = {wallet: winner(rows, name=lambda row: row.actor) for wallet, rows in said.items()}
    ids = {wallet: row.actor for wallet, row in named.items() if row and row.actor}
    found = await actors.by_ids(graph, sorted(set(ids.values()))) if ids else {}
    return {wallet: found[actor] for wallet, actor in ids.items() if actor in found}


def _naming(labels: list[LabelRow]) -> list[LabelRow]:
    """Those that say who it is; that an issuer froze it says so only where nothing else does."""
    return [label for label in labels if label.category != Category.FROZEN] or labels


def _name(label: LabelRow) -> str:
    """Labels of one actor speak for the same; without an actor, labels of the same words do."""
    return f"actor {label.actor}" if label.actor else phrase(words(label.label))
