"""Label dumps of the Etherscan family: one JSON object, address to its name and label slugs.

An address holds on the explorer's own chain. The dump does not say which that is; the name of its
file or folder does (``etherscan_all_labels.json``, ``data/polygonscan/…``), else ``--chain``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from graph_api.domain.categories import actor_type
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, Subject, claim
from graph_api.domain.records import Actor, Record, WalletFact, WalletKind
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import reading, reject
from ingest.sources.files.labels import facts
from ingest.sources.files.labels.documents import json_members
from ingest.sources.files.labels.taxonomy import Meaning, explorer_word, named_category


class Explorer(NamedTuple):
    """An explorer: what it is called, the chain it shows, where its pages are."""

    name: str
    chain: str
    url: str


EXPLORERS: Final = {
    "optimistic-etherscan": Explorer(
        "Optimistic Etherscan", "optimism", "https://optimistic.etherscan.io"
    ),
    "optimism": Explorer("Optimistic Etherscan", "optimism", "https://optimistic.etherscan.io"),
    "etherscan": Explorer("Etherscan", "ethereum", "https://etherscan.io"),
    "bscscan": Explorer("BscScan", "bsc", "https://bscscan.com"),
    "polygonscan": Explorer("PolygonScan", "polygon", "https://polygonscan.com"),
    "arbiscan": Explorer("Arbiscan", "arbitrum", "https://arbiscan.io"),
    "gnosisscan": Explorer("GnosisScan", "gnosis", "https://gnosisscan.io"),
    "basescan": Explorer("BaseScan", "base", "https://basescan.org"),
    "celoscan": Explorer("CeloScan", "celo", "https://celoscan.io"),
}

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_CONTRACT_WORDS: Final = frozenset(
    {
        "factory-contract",
        "logic-contract",
        "old-contract",
        "proxy-contract",
        "smart-contract",
        "token-contract",
    }
)


def recognises(columns: frozenset[str], name: str) -> bool:
    """Nearly all keys are addresses; dumps have stray ones."""
    addresses = sum(_ADDRESS.fullmatch(column) is not None for column in columns)
    return (
        addresses > 0
        and addresses >= len(columns) - 2
        and (len(columns) > 1 or ".json" in name.lower())
    )


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """One label per slug of each address, and each actor that a slug names once."""
    actors: set[str] = set()
    number = 0
    for path in dataset.paths:
        explorer = explorer_of(path)
        with reading(path) as text:
            for place, address, said in json_members(text, path):
                number += 1
                try:
                    for record in _records(address, said, explorer, options, actors):
                        yield Entry(number, record)
                except BadInput as error:
                    yield Entry(number, reject(path, place, str(error), f"{address}: {said}"))


def explorer_of(path: Path) -> Explorer | None:
    """The explorer that a dump's file, or one of the two folders above it, is named after."""
    for part in [path.name, *(parent.name for parent in list(path.parents)[:2])]:
        for word, explorer in EXPLORERS.items():
            if word in part.lower():
                return explorer
    return None


def _records(
    address: str, said: Any, explorer: Explorer | None, options: Options, actors: set[str]
) -> Iterator[Record]:
    name, words = _said(said)
    if not _ADDRESS.fullmatch(address.strip()):
        raise BadInput(f"{address[:60]!r} is no address.")
    meanings = [(word, explorer_word(word)) for word in words] or [("", None)]
    contract = False
    subjects: list[Subject] = []
    for word, meaning in meanings:
        category = named_category(meaning.category, name) if meaning else None
        subject = facts.subject(
            address, explorer.chain if explorer else None, options, category=category
        )
        subjects.append(subject)
        contract = contract or word in _CONTRACT_WORDS
        yield from _actor(meaning, explorer, options, actors)
        yield claim(
            subject,
            name or word.replace("-", " ").capitalize(),
            source=_source(explorer, options),
            confidence=CONFIDENCE["web_crawl"],
            category=category,
            source_category=word or None,
            source_url=f"{explorer.url}/accounts/label/{word}" if explorer and word else None,
            actor=meaning.actor if meaning else None,
            learned_at=options.learned_at,
        )
    if contract and len(subjects[0].accounts) == 1:
        yield WalletFact(id=subjects[0].accounts[0], kind=WalletKind.CONTRACT)


def _said(said: Any) -> tuple[str, list[str]]:
    if not isinstance(said, dict):
        raise BadInput("The entry is no object with name and labels.")
    name, words = said.get("name") or "", said.get("labels") or []
    if not isinstance(name, str) or not isinstance(words, list):
        raise BadInput("The entry's name is no text, or its labels are no list.")
    words = list(dict.fromkeys(word for word in words if isinstance(word, str) and word))
    if not name.strip() and not words:
        raise BadInput("The entry has neither a name nor labels.")
    return name, words


def _actor(
    meaning: Meaning | None, explorer: Explorer | None, options: Options, actors: set[str]
) -> Iterator[Actor]:
    if meaning is None or meaning.actor is None or meaning.actor in actors:
        return
    actors.add(meaning.actor)
    yield Actor(
        id=meaning.actor,
        name=meaning.name or meaning.actor,
        type=actor_type(meaning.category),
        source=_source(explorer, options),
        confidence=CONFIDENCE["web_crawl"],
    )


def _source(explorer: Explorer | None, options: Options) -> str:
    return options.source or (explorer.name if explorer else "explorer label dump")


FORMAT: Final = FileFormat(
    name="explorer-labels",
    about="Label dump of Etherscan, PolygonScan and their family (JSON).",
    columns='{"0x…": {"name": "…", "labels": ["…"]}}',
    order=93,
    recognises=recognises,
    read=read,
)
