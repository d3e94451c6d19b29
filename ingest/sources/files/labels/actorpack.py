"""GraphSense actor packs: YAML, who owns tagged addresses and what they are."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, plain
from graph_api.domain.records import Actor, Record
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.labels.documents import Item
from ingest.sources.files.labels.entries import of_items
from ingest.sources.files.labels.facts import link
from ingest.sources.files.labels.taxonomy import actor_type_of

_INHERITED: Final = frozenset({"categories", "jurisdictions", "title", "uri"})


def recognises(columns: frozenset[str], name: str) -> bool:
    """The desk registry has actors too, and always a version."""
    return "actors" in columns and "version" not in columns


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """One actor per entry."""
    return of_items(dataset, "actors", partial(_actor, options), header=_title, before=_INHERITED)


def _actor(options: Options, title: str, item: Item) -> Iterator[Record]:
    if not isinstance(item.value, dict):
        raise BadInput("The actor is no mapping.")
    said: dict[str, Any] = {**item.header, **item.value}
    actor, name = item.value.get("id"), item.value.get("label")
    if not isinstance(actor, str) or not actor.strip():
        raise BadInput("The actor has no id.")
    if not isinstance(name, str) or not name.strip():
        raise BadInput("The actor has no label.")
    context = said.get("context")
    images = context.get("images") if isinstance(context, dict) else None
    yield Actor(
        # Packs spell a few ids with capitals, tags refer to them in lower case.
        id=actor.strip().lower(),
        name=plain(name),
        type=actor_type_of(_list(said.get("categories"))),
        url=link(said.get("uri")),
        logo_url=next((url for url in map(link, _list(images)) if url), None),
        jurisdictions=tuple(dict.fromkeys(code.upper() for code in _list(said["jurisdictions"])))
        if said.get("jurisdictions")
        else (),
        source=options.source or title,
        confidence=CONFIDENCE["trusted_provider"],
    )


def _title(path: Path, header: dict[str, Any]) -> str:
    return plain(str(header.get("title") or path.name.split(".")[0]))


def _list(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [item.strip() for item in values if isinstance(item, str) and item.strip()]


FORMAT: Final = FileFormat(
    name="actorpack",
    about="GraphSense actor pack: exchanges, services and others by id (YAML).",
    columns="title, actors: [id, label, categories, uri, jurisdictions, context]",
    order=91,
    recognises=recognises,
    read=read,
)
