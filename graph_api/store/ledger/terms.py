"""The words that labels, actors and tokens are found by: one Term for each word of each of them.

Entries of an index, made by us so that both engines answer alike: the key holds kind, word and
rank, and is read by its beginning. A word that a million labels share is no hub that way, and a
label costs one small node for each of its words.
"""

from collections.abc import Iterable
from enum import StrEnum

from graph_api.domain.labels import label_order
from graph_api.domain.positions import owner_digest
from graph_api.domain.records import Actor, Label
from graph_api.domain.words import phrase, words
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.states import TokenState


class TermKind(StrEnum):
    """What a term leads to."""

    ACTOR = "a"
    LABEL = "l"
    TOKEN = "t"  # noqa: S105 - a kind of node, not a password


def term_prefix(kind: TermKind, beginning: str) -> str:
    """How the keys of all words of a kind begin that begin so; add ``|`` for the word alone."""
    return f"{kind}|{beginning}"


def label_terms(labels: Iterable[Label]) -> list[Row]:
    """Terms of labels: the surest claims come first."""
    return [
        row
        for label in labels
        for row in _terms(TermKind.LABEL, label.label, label_order(label), label.id)
    ]


def actor_terms(actors: Iterable[Actor]) -> list[Row]:
    """Terms of actors: by name and by slug."""
    return [
        row
        for actor in actors
        for row in _terms(
            TermKind.ACTOR, f"{actor.name} {actor.id}", owner_digest(actor.id), actor.id
        )
    ]


def token_terms(tokens: Iterable[TokenState]) -> list[Row]:
    """Terms of tokens: by symbol and by name."""
    return [
        row
        for token in tokens
        for row in _terms(
            TermKind.TOKEN,
            f"{token.symbol or ''} {token.name or ''}",
            owner_digest(token.id),
            token.id,
        )
    ]


async def replace_terms(writing: Writing, *, old: list[Row], new: list[Row]) -> None:
    """Write ``new`` in the place of ``old``."""
    if old:
        await writing.run("search/delete_terms", keys=[row["key"] for row in old])
    if new:
        await writing.run("search/create_terms", rows=new)


def _terms(kind: TermKind, text: str, order: str, target: str) -> list[Row]:
    found = words(text)
    return [
        {
            "key": f"{term_prefix(kind, word)}|{order}",
            "words": phrase(found),
            "target": target,
        }
        for word in found
    ]
