"""Lists that can be asked for in several ways: actors by words, labels and wallets by owner."""

from datetime import datetime

import msgspec

from graph_api.domain.categories import Category
from graph_api.domain.chains import CHAINS
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import ChainId
from graph_api.domain.pages import Page, Slice
from graph_api.domain.records import ActorType
from graph_api.store import actors, blocks, labels, wallets
from graph_api.store.actors import ActorRow
from graph_api.store.graph import Graph
from graph_api.store.labels import LabelFilter, LabelRow, WalletFilter
from graph_api.store.search import actors_called
from graph_api.store.wallets import WalletOrder, WalletQuestion, WalletRow


class LabelledQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which wallets are asked for: those of a question, and of an actor, a category or both."""

    wallets: WalletQuestion = WalletQuestion()
    actor: str | None = None
    category: Category | None = None
    min_confidence: float | None = None
    as_of: datetime | None = None


async def actors_found(
    graph: Graph,
    *,
    type: ActorType | None = None,
    search: str | None = None,
    registered: bool | None = None,
    page: Page,
) -> Slice[ActorRow]:
    """A page of actors of a type, with words in their name, or listed by a desk registry."""
    ids = None
    if search is not None:
        ids = [row.id for row in await actors_called(graph, search)]
    return await actors.listed(
        graph,
        types=None if type is None else (type,),
        registered=registered,
        ids=ids,
        page=page,
    )


async def labels_found(
    graph: Graph,
    *,
    actor: str | None = None,
    filter: LabelFilter | None = None,
    as_of: datetime | None = None,
    now: datetime,
    page: Page,
) -> Slice[LabelRow]:
    """A page of labels: of an actor, of a category, or of all."""
    asked = filter or LabelFilter()
    if actor is not None:
        of_actor = await labels.of_actors(
            graph, [actor], filter=asked, as_of=as_of, now=now, page=page
        )
        return of_actor[actor]
    if asked.category is not None:
        of_category = await labels.of_categories(
            graph, [asked.category], filter=asked, as_of=as_of, now=now, page=page
        )
        return of_category[asked.category]
    return await labels.everything(graph, filter=asked, as_of=as_of, now=now, page=page)


async def wallets_found(
    graph: Graph, questions: list[LabelledQuestion], *, now: datetime, page: Page
) -> dict[LabelledQuestion, Slice[WalletRow]]:
    """A page of wallets for each question, whether it asks for labels or not.

    Raises: BadInput when a time is asked for where nobody knows any.
    """
    return {
        question: await _wallets_found(graph, question, now=now, page=page)
        for question in questions
    }


async def _wallets_found(
    graph: Graph, question: LabelledQuestion, *, now: datetime, page: Page
) -> Slice[WalletRow]:
    asked = question.wallets
    if asked.active_since is not None or asked.active_until is not None:
        await blocks.require_times(graph, _chains(asked.chain))
    if question.actor is None and question.category is None:
        return (await wallets.search(graph, [asked], page=page))[asked]
    if asked.order is not WalletOrder.ID:
        raise BadInput("Wallets of an actor or a category come by confidence; leave out the order.")
    filter = WalletFilter(
        chain=asked.chain,
        kind=asked.kind,
        since=asked.active_since,
        until=asked.active_until,
        category=question.category,
        min_confidence=question.min_confidence,
    )
    if question.actor is not None:
        found = await labels.wallets_of_actors(
            graph, [question.actor], filter=filter, as_of=question.as_of, now=now, page=page
        )
        return found[question.actor]
    category = str(question.category)
    found = await labels.wallets_of_categories(
        graph, [category], filter=filter, as_of=question.as_of, now=now, page=page
    )
    return found[category]


def _chains(chain: ChainId | None) -> list[ChainId]:
    return [ChainId(one.id) for one in CHAINS] if chain is None else [chain]
