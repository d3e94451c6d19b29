"""GraphSense TagPacks: YAML, a header whose fields hold for every tag, and tags of addresses.

Sources: tagpack_schema.yaml and the README of graphsense-tagpack-tool. ``lastmod`` is the day on
which a tag was last changed: since then it is known. It says nothing of when it began to be true.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, claim, plain
from graph_api.domain.records import Record
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.labels import facts
from ingest.sources.files.labels.documents import Item
from ingest.sources.files.labels.entries import of_items
from ingest.sources.files.labels.taxonomy import concept

#: Fields that tags inherit from the header.
INHERITED: Final = frozenset(
    {
        "abuse",
        "actor",
        "category",
        "concepts",
        "confidence",
        "context",
        "currency",
        "is_cluster_definer",
        "label",
        "lastmod",
        "network",
        "source",
    }
)

# The pack of the US Treasury's list calls its tags "user" and says no confidence: its source does.
_SANCTIONS_LIST: Final = "treasury.gov/ofac"


def recognises(columns: frozenset[str], name: str) -> bool:
    """A pack has tags and a title; older ones have a creator only."""
    return "tags" in columns and bool({"title", "creator"} & columns)


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """One label per tag and concept."""
    labels = partial(_labels, options)
    return of_items(dataset, "tags", labels, header=_title, before=INHERITED)


def _labels(options: Options, title: str, item: Item) -> Iterator[Record]:
    if not isinstance(item.value, dict):
        raise BadInput("The tag is no mapping.")
    tag: dict[str, Any] = {**item.header, **item.value}
    address, label = _text(tag, "address"), _text(tag, "label")
    if not address:
        raise BadInput(
            "The tag names no address; tags of transactions are not loaded."
            if tag.get("tx_hash")
            else "The tag names no address."
        )
    if not label:
        raise BadInput("The tag has no label.")
    words, default = _words(tag), "unknown"
    source = _text(tag, "source") or ""
    if _SANCTIONS_LIST in source:
        words, default = list(dict.fromkeys([*words, "sanction"])), "authority_data"
    url = facts.link(source)
    actor = _text(tag, "actor")
    learned_at = options.learned_at
    if learned_at is None:
        learned_at = facts.moment_ms(_text(tag, "lastmod"))
    for word in words or [""]:
        category = concept(word)
        yield claim(
            # A pack always names the chain; one that does not speaks of every EVM chain.
            facts.subject(
                address,
                _text(tag, "network") or _text(tag, "currency"),
                options,
                category=category,
            ),
            label,
            source=options.source or title,
            confidence=facts.confidence_of(_text(tag, "confidence"), CONFIDENCE[default]),
            category=category,
            source_category=word or None,
            source_url=url,
            actor=actor.lower() if actor else None,
            learned_at=learned_at,
            defines_cluster=facts.yes(tag.get("is_cluster_definer")),
            note=_note(tag, source if url is None else ""),
        )


def _words(tag: dict[str, Any]) -> list[str]:
    """The tag's concepts; ``category`` and ``abuse`` are older ways to state one."""
    concepts = tag.get("concepts") or []
    listed = concepts if isinstance(concepts, list) else [concepts]
    words = [tag.get("category"), tag.get("abuse"), *listed]
    return list(dict.fromkeys(str(word).strip().lower() for word in words if word))


def _note(tag: dict[str, Any], source: str) -> str | None:
    context = tag.get("context")
    parts = [source, context if isinstance(context, str) else str(context or "")]
    return plain(" ".join(part for part in parts if part)) or None


def _title(path: Path, header: dict[str, Any]) -> str:
    title = _text(header, "title") or _text(header, "creator")
    return plain(title) if title else path.name.split(".")[0]


def _text(tag: dict[str, Any], field: str) -> str | None:
    value = tag.get(field)
    return value.strip() or None if isinstance(value, str) else None


FORMAT: Final = FileFormat(
    name="tagpack",
    about="GraphSense TagPack: attribution tags (YAML).",
    columns="title, creator, tags: [address, label, currency|network, source, confidence, …]",
    order=93,
    recognises=recognises,
    read=read,
)
