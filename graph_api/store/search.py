"""Search: whatever somebody types, found by address, hash, symbol, name or words of a label.

An address or a hash names things outright, its beginning names a few. Words lead through the
index that the writer keeps (``store.ledger.terms``): all of them must be in the text, in any
order, and the last one may be a beginning. What can be found is bounded by design: each word looks
at its ``SCAN`` best entries and no further.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId, TransactionId
from graph_api.domain.naming import Named, named
from graph_api.domain.words import phrase, words
from graph_api.store import actors, labels, tokens, transactions, wallets
from graph_api.store.actors import ActorRow
from graph_api.store.graph import Graph
from graph_api.store.ledger.terms import TermKind, term_prefix

MAX_QUERY: Final = 200
#: How many entries one word looks at.
SCAN: Final = 5_000
#: How many words of a query lead somewhere; further ones only filter.
_LEADING: Final = 6
#: How many things each word may lead to.
_LED_TO: Final = 200


class SearchKind(StrEnum):
    """What can be found."""

    ACTOR = "actor"
    TOKEN = "token"  # noqa: S105 - a kind of thing, not a password
    WALLET = "wallet"
    TRANSACTION = "transaction"
    LABEL = "label"


class Match(IntEnum):
    """How well something fits, the best first."""

    ADDRESS = 0
    NAME = 1
    WORDS = 2
    BEGINNING = 3


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was found: its kind, its id, what it is called and how well that fits."""

    kind: SearchKind
    id: str
    title: str
    match: Match
    weight: float = 0.0


class _Term(msgspec.Struct, frozen=True):
    kind: TermKind
    target: str


class _Id(msgspec.Struct, frozen=True):
    id: str


async def search(
    graph: Graph,
    *,
    query: str,
    kinds: Sequence[SearchKind] | None = None,
    now: datetime,
    first: int,
) -> list[Hit]:
    """What ``query`` may mean, the best first: addresses and hashes, then names that are just so,
    then texts with its words; of equals the busier or surer first.

    Raises: BadInput when there is nothing to look for in it.
    """
    asked = _Query.of(query, frozenset(kinds or SearchKind))
    found = await asyncio.gather(
        _wallets(graph, asked, first),
        _transactions(graph, asked, first),
        _tokens(graph, asked),
        _actors(graph, asked),
        _labels(graph, asked, now),
    )
    hits = {(hit.kind, hit.id): hit for some in found for hit in some}
    return sorted(hits.values(), key=_rank)[:first]


async def actors_called(graph: Graph, query: str) -> list[ActorRow]:
    """Actors whose name or id has the words of ``query``."""
    asked = _Query.of(query, frozenset({SearchKind.ACTOR}))
    targets = await _targets(graph, asked, TermKind.ACTOR)
    found = await actors.by_ids(graph, targets) if targets else {}
    return [found[key] for key in targets if key in found]


class _Query(msgspec.Struct, frozen=True):
    """What is looked for."""

    named: Named
    words: tuple[str, ...]
    kinds: frozenset[SearchKind]

    @classmethod
    def of(cls, text: str, kinds: frozenset[SearchKind]) -> "_Query":
        if len(text) > MAX_QUERY:
            raise BadInput(f"Search for up to {MAX_QUERY} characters.")
        meant = named(text)
        found = words(text)
        if not found:
            raise BadInput("Search for an address, a hash, or words of a name or a label.")
        return cls(meant, () if meant.whole else found, kinds)

    def match(self, *texts: str | None) -> Match | None:
        """How well the first of ``texts`` that fits does."""
        if not self.words:
            return None
        present = [words(text) for text in texts if text]
        if any(set(text) == set(self.words) for text in present):
            return Match.NAME
        everything = {word for text in present for word in text}
        *whole, last = self.words
        if not everything.issuperset(whole):
            return None
        if last in everything:
            return Match.WORDS
        return Match.BEGINNING if any(word.startswith(last) for word in everything) else None


def _rank(hit: Hit) -> tuple[Any, ...]:
    return hit.match, list(SearchKind).index(hit.kind), -hit.weight, hit.id


async def _targets(graph: Graph, asked: _Query, kind: TermKind) -> list[str]:
    """The ids of what has all the words, those of whole words before those of beginnings."""
    if not asked.words:
        return []
    *whole, last = asked.words
    prefixes = [f"{term_prefix(kind, word)}|" for word in (last, *whole)[:_LEADING]]
    branches = [
        {"kind": kind.value, "prefix": prefix} for prefix in (*prefixes, term_prefix(kind, last))
    ]
    rows = await graph.read_each(
        "search/terms",
        _Term,
        branches,
        parts=[*(phrase((word,)) for word in whole), f" {last}"],
        scan=SCAN,
        limit=_LED_TO,
    )
    return list(dict.fromkeys(row.target for row in rows))


async def _actors(graph: Graph, asked: _Query) -> Iterable[Hit]:
    if SearchKind.ACTOR not in asked.kinds:
        return ()
    targets = await _targets(graph, asked, TermKind.ACTOR)
    found = await actors.by_ids(graph, targets) if targets else {}
    return [
        Hit(kind=SearchKind.ACTOR, id=row.id, title=row.name, match=match, weight=row.confidence)
        for row in found.values()
        if (match := asked.match(row.name, row.id)) is not None
    ]


async def _labels(graph: Graph, asked: _Query, now: datetime) -> Iterable[Hit]:
    if SearchKind.LABEL not in asked.kinds:
        return ()
    targets = await _targets(graph, asked, TermKind.LABEL)
    found = await labels.by_ids(graph, targets) if targets else {}
    return [
        Hit(kind=SearchKind.LABEL, id=row.id, title=row.label, match=match, weight=row.confidence)
        for row in found.values()
        if row.holds(now) and (match := asked.match(row.label)) is not None
    ]


async def _tokens(graph: Graph, asked: _Query) -> Iterable[Hit]:
    if SearchKind.TOKEN not in asked.kinds:
        return ()
    named_ids = set(asked.named.tokens)
    targets = await _targets(graph, asked, TermKind.TOKEN)
    ids = [TokenId(one) for one in dict.fromkeys((*asked.named.tokens, *targets))]
    found = await tokens.by_ids(graph, ids) if ids else {}
    hits = []
    for row in found.values():
        match = Match.ADDRESS if row.id in named_ids else asked.match(row.symbol, row.name)
        if match is not None:
            title = row.symbol or row.name or row.address or row.id
            hits.append(
                Hit(
                    kind=SearchKind.TOKEN,
                    id=row.id,
                    title=title,
                    match=match,
                    weight=row.transfers,
                )
            )
    return hits


async def _wallets(graph: Graph, asked: _Query, first: int) -> Iterable[Hit]:
    if SearchKind.WALLET not in asked.kinds:
        return ()
    exact, begun = asked.named.accounts, asked.named.wallets_from
    ids = list(exact) or await _ids_from(graph, "search/wallets_from", begun, first)
    found = await wallets.by_ids(graph, [AccountId(one) for one in ids]) if ids else {}
    return [
        Hit(
            kind=SearchKind.WALLET,
            id=row.id,
            title=row.address,
            match=Match.ADDRESS if exact else Match.BEGINNING,
            weight=row.transfers_in + row.transfers_out,
        )
        for row in found.values()
    ]


async def _transactions(graph: Graph, asked: _Query, first: int) -> Iterable[Hit]:
    if SearchKind.TRANSACTION not in asked.kinds:
        return ()
    exact, begun = asked.named.transactions, asked.named.transactions_from
    ids = list(exact) or await _ids_from(graph, "search/transactions_from", begun, first)
    found = await transactions.by_ids(graph, [TransactionId(one) for one in ids]) if ids else {}
    return [
        Hit(
            kind=SearchKind.TRANSACTION,
            id=row.id,
            title=row.hash,
            match=Match.ADDRESS if exact else Match.BEGINNING,
        )
        for row in found.values()
    ]


async def _ids_from(
    graph: Graph, name: str, beginnings: Sequence[str], limit: int
) -> Sequence[str]:
    branches = [{"prefix": beginning} for beginning in beginnings]
    return [row.id for row in await graph.read_each(name, _Id, branches, limit=limit)]
