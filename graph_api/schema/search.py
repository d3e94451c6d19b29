"""Search as clients ask for it: one line of text, whatever it means."""

import strawberry

from graph_api.schema.labels import Label
from graph_api.schema.node import GlobalKey, Node, nodes_by_keys
from graph_api.schema.paging import Paging
from graph_api.schema.steps import Argument, batched, root
from graph_api.store import search
from graph_api.store.search import Hit, Match, SearchKind

strawberry.enum(SearchKind, description="What can be found.")
strawberry.enum(
    Match,
    name="SearchMatch",
    description=(
        "How well something fits, the best first: an ADDRESS, hash or id is the one; a NAME or "
        "symbol or label is just so; all WORDS are in it; or the last word (or the address) is a "
        "BEGINNING."
    ),
)

_TYPES = {
    SearchKind.ACTOR: "Actor",
    SearchKind.TOKEN: "Token",
    SearchKind.WALLET: "Wallet",
    SearchKind.TRANSACTION: "Transaction",
    SearchKind.LABEL: Label.__name__,
}


@strawberry.type(description="Something that was found.")
class SearchHit:
    """What it is, and why it is here."""

    kind: SearchKind = strawberry.field(description="What it is.")
    title: str = strawberry.field(
        description="What it is called: a name, a symbol, an address, a hash, a label's words."
    )
    match: Match = strawberry.field(description="How well it fits.")
    global_key: strawberry.Private[GlobalKey]

    node: Node | None = batched(
        nodes_by_keys,
        key="global_key",
        description="The object itself; ask for its fields with `... on Wallet { … }`.",
    )

    @classmethod
    def of(cls, hit: Hit) -> "SearchHit":
        """As clients see it."""
        return cls(
            kind=hit.kind,
            title=hit.title,
            match=hit.match,
            global_key=GlobalKey(_TYPES[hit.kind], hit.id),
        )


@strawberry.type
class SearchQuery:
    """Finding things by what people type."""

    search: list[SearchHit] = root(
        search.search,
        of=SearchHit.of,
        cost=5,
        paging=Paging(default=20, ceiling=100),
        arguments={
            "query": (
                f"Up to {search.MAX_QUERY} characters: an address or a hash in any letter case "
                "(or its beginning), an id, or words of a name, a symbol or a label in any order; "
                "the last word may be a beginning."
            ),
            "kinds": Argument("Only these; all when not given.", type=list[SearchKind] | None),
        },
        description=(
            "What the text may mean, the best first: addresses and hashes, then names and symbols "
            "that are just so, then texts with its words; of equals the busier or surer first."
        ),
    )
