"""The desk registry: our own YAML of actors and their wallets by chain (docs/desk-registry.md).

An actor without wallets is known by name; a wallet that cannot be read is a reject of its own and
the rest of its actor stays.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, claim, plain
from graph_api.domain.records import Actor, ActorType, Label, Record, Reject
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import reject
from ingest.sources.files.labels import facts
from ingest.sources.files.labels.documents import Item
from ingest.sources.files.labels.entries import of_items, shown
from ingest.sources.files.labels.taxonomy import list_word

VERSION: Final = "1"

_HEADER: Final = frozenset({"version", "name", "lastmod", "sources"})
_ACTOR_FIELDS: Final = frozenset(
    {"id", "name", "type", "url", "logo_url", "jurisdictions", "wallets", "note"}
)
_WALLET_FIELDS: Final = frozenset(
    {
        "address",
        "category",
        "confidence",
        "label",
        "learned_at",
        "note",
        "source",
        "source_url",
        "valid_from",
        "valid_to",
    }
)


class _Registry(NamedTuple):
    """What the header says of every entry."""

    path: Path
    name: str
    learned_at: int | None
    sources: dict[str, Any]


def recognises(columns: frozenset[str], name: str) -> bool:
    """Other packs of actors have no version."""
    return {"version", "actors"} <= columns


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Each actor, then its wallets. Raises: BadInput, also for a version that is not known."""
    records = partial(_records, options)
    return of_items(dataset, "actors", records, header=partial(_registry, options), before=_HEADER)


def _records(options: Options, registry: _Registry, item: Item) -> Iterator[Record | Reject]:
    actor = _actor(item.value, registry)
    yield actor
    for chain, wallets in _mapping(item.value, "wallets").items():
        for wallet in wallets if isinstance(wallets, list) else [wallets]:
            try:
                yield _label(wallet, chain, actor, registry, options)
            except BadInput as error:
                yield reject(registry.path, item.line, f"{actor.id}: {error}", shown(wallet))


def _registry(options: Options, path: Path, header: dict[str, Any]) -> _Registry:
    if header.get("version") != VERSION:
        raise BadInput(
            f"{path} is of version {header.get('version')!r}; this program reads {VERSION}."
        )
    learned_at = options.learned_at
    if learned_at is None:
        learned_at = facts.moment_ms(header.get("lastmod"))
    name = options.source or header.get("name") or path.name.split(".")[0]
    return _Registry(
        path=path,
        name=plain(str(name)),
        learned_at=learned_at,
        sources=_mapping(header, "sources"),
    )


def _actor(said: Any, registry: _Registry) -> Actor:
    if not isinstance(said, dict):
        raise BadInput("The actor is no mapping.")
    _refuse_others(said, _ACTOR_FIELDS)
    actor, name = _text(said, "id"), _text(said, "name")
    if not actor or not name:
        raise BadInput("An actor needs an id and a name.")
    try:
        kind = ActorType(_text(said, "type") or "")
    except ValueError:
        raise BadInput(
            f"{actor}: {_text(said, 'type')!r} is no type; use one of {', '.join(ActorType)}."
        ) from None
    codes = said.get("jurisdictions") or []
    return Actor(
        id=actor.lower(),
        name=plain(name),
        type=kind,
        url=facts.link(said.get("url")),
        logo_url=facts.link(said.get("logo_url")),
        jurisdictions=tuple(str(code).upper() for code in codes),
        source=registry.name,
        confidence=1.0,
        registered=True,
    )


def _label(said: Any, chain: str, actor: Actor, registry: _Registry, options: Options) -> Label:
    if not isinstance(said, dict):
        raise BadInput("The wallet is no mapping.")
    _refuse_others(said, _WALLET_FIELDS)
    category = _category(_text(said, "category") or actor.type.value)
    origin = _origin(_text(said, "source"), registry)
    learned_at = facts.moment_ms(_text(said, "learned_at"))
    confidence = _text(said, "confidence") or _text(origin, "confidence")
    return claim(
        facts.subject(_text(said, "address") or "", chain, options, category=category),
        _text(said, "label") or actor.name,
        source=registry.name,
        confidence=facts.confidence_of(confidence, CONFIDENCE["trusted_provider"]),
        category=category,
        source_url=facts.link(_text(said, "source_url") or _text(origin, "url")),
        actor=actor.id,
        valid_from=facts.moment_ms(_text(said, "valid_from")),
        valid_to=facts.moment_ms(_text(said, "valid_to")),
        learned_at=registry.learned_at if learned_at is None else learned_at,
        note=plain(_text(said, "note") or "") or None,
    )


def _category(word: str) -> Category:
    category = list_word(word)
    if category is None:
        raise BadInput(f"{word[:40]!r} is no category; use one of {', '.join(Category)}.")
    return category


def _origin(name: str | None, registry: _Registry) -> dict[str, Any]:
    if name is None:
        return {}
    origin = registry.sources.get(name)
    if not isinstance(origin, dict):
        raise BadInput(f"The source {name[:40]!r} is not among the registry's sources.")
    return origin


def _refuse_others(said: dict[str, Any], known: frozenset[str]) -> None:
    """A misspelled field would be lost without a word."""
    others = sorted(set(said) - known)
    if others:
        raise BadInput(f"Unknown field {others[0][:40]!r}; there are {', '.join(sorted(known))}.")


def _mapping(said: dict[str, Any], field: str) -> dict[str, Any]:
    value = said.get(field) or {}
    if not isinstance(value, dict):
        raise BadInput(f"{field} is no mapping.")
    return value


def _text(said: dict[str, Any], field: str) -> str | None:
    value = said.get(field)
    return value.strip() or None if isinstance(value, str) else None


FORMAT: Final = FileFormat(
    name="desk-registry",
    about="Desk registry of our own: actors and their wallets (YAML, docs/desk-registry.md).",
    columns="version: 1, name, actors: [id, name, type, wallets: {chain: [address, label, …]}]",
    order=90,
    recognises=recognises,
    read=read,
)
