"""Plain tables of labels: an address and a category or label, and what else is known of it.

Columns may have other names with ``--map label=tag,…``. A table that does not say how it knows
gets the confidence ``unknown``.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, claim, plain
from graph_api.domain.records import Record, WalletFact, WalletKind
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.labels import facts
from ingest.sources.files.labels.entries import of_rows
from ingest.sources.files.labels.taxonomy import list_word

#: Our columns and the names that they go by.
COLUMNS: Final = {
    "address": ("address", "account", "wallet"),
    "label": ("label", "name", "name_tag", "nametag", "tag"),
    "category": ("category", "type", "kind"),
    "chain": ("chain", "chain_id", "chainid", "network", "blockchain", "currency"),
    "confidence": ("confidence",),
    "actor": ("actor", "entity", "owner"),
    "source": ("source",),
    "source_url": ("source_url", "url"),
    "valid_from": ("valid_from",),
    "valid_to": ("valid_to",),
    "learned_at": ("learned_at", "lastmod"),
    "note": ("note", "notes", "comment"),
}

_KNOWN: Final = frozenset(name for names in COLUMNS.values() for name in names)


def recognises(columns: frozenset[str], name: str) -> bool:
    """An address, something said of it, and no column that belongs to another kind of table."""
    said = {*COLUMNS["label"], *COLUMNS["category"]} & columns
    return bool(set(COLUMNS["address"]) & columns) and bool(said) and columns <= _KNOWN


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """One label per row; that an address is a contract is told where its one chain is known."""
    for name in options.columns:
        if name not in COLUMNS:
            raise BadInput(f"A label table has no column {name!r}; it has {', '.join(COLUMNS)}.")
    columns = [
        (options.columns[name],) if name in options.columns else names
        for name, names in COLUMNS.items()
    ]
    said = (*columns[1], *columns[2])
    return of_rows(dataset, columns, partial(_records, options), needs=(columns[0], said))


def _records(options: Options, path: Path, cells: Sequence[str]) -> Iterator[Record]:
    row = dict(zip(COLUMNS, (str(cell).strip() for cell in cells), strict=True))
    word = row["category"]
    category = list_word(word) if word else None
    subject = facts.subject(row["address"], row["chain"], options, category=category)
    learned_at = options.learned_at
    if learned_at is None:
        learned_at = facts.moment_ms(row["learned_at"])
    yield claim(
        subject,
        row["label"] or word,
        source=row["source"] or options.source or path.name.split(".")[0],
        confidence=facts.confidence_of(row["confidence"], CONFIDENCE["unknown"]),
        category=category,
        source_category=word or None,
        source_url=facts.link(row["source_url"]),
        actor=row["actor"].lower() or None,
        valid_from=facts.moment_ms(row["valid_from"]),
        valid_to=facts.moment_ms(row["valid_to"]),
        learned_at=learned_at,
        note=plain(row["note"]) or None,
    )
    if category is Category.CONTRACT and len(subject.accounts) == 1:
        yield WalletFact(id=subject.accounts[0], kind=WalletKind.CONTRACT)


FORMAT: Final = FileFormat(
    name="labels",
    about="Plain table of labels (CSV, Parquet, JSON lines); columns by --map.",
    columns="address,category|label[,chain,confidence,actor,source,source_url,valid_from,…]",
    order=94,
    recognises=recognises,
    read=read,
)
