"""Lists of sanctioned addresses by OFAC, one address a line; the file's name ends in a ticker.

A ticker that is a chain's names the chain. Stablecoins live on several: the address's shape tells
Bitcoin from EVM, and an EVM address is sanctioned on every EVM chain.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, claim
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import reading, reject
from ingest.sources.files.labels import facts

LIST_URL: Final = "https://www.treasury.gov/ofac/downloads/sdnlist.txt"

_NAME: Final = re.compile(r"sanctioned_addresses_([A-Za-z0-9]+)\.txt(\.gz|\.zst)?", re.IGNORECASE)


def recognises(columns: frozenset[str], name: str) -> bool:
    """By the file's name: its content is addresses and nothing else."""
    return _NAME.fullmatch(Path(name).name) is not None


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """One label per address. Blank lines and comments (``#``) are passed over."""
    number = 0
    for path in dataset.paths:
        ticker = _ticker(path)
        with reading(path) as text:
            for line, written in enumerate(text, 1):
                address = written.split("#", 1)[0].strip()
                if not address:
                    continue
                number += 1
                try:
                    subject = facts.subject(address, ticker, options, category=Category.SANCTIONED)
                    label = claim(
                        subject,
                        "OFAC sanctioned address",
                        source=options.source or "OFAC SDN list",
                        confidence=CONFIDENCE["authority_data"],
                        category=Category.SANCTIONED,
                        source_category="sanction",
                        source_url=LIST_URL,
                        learned_at=options.learned_at,
                        note=f"Listed as a {ticker} address." if ticker else None,
                    )
                    yield Entry(number, label)
                except BadInput as error:
                    yield Entry(number, reject(path, line, str(error), address))


def _ticker(path: Path) -> str | None:
    found = _NAME.fullmatch(path.name)
    return found.group(1).upper() if found else None


FORMAT: Final = FileFormat(
    name="ofac-addresses",
    about="Sanctioned addresses by OFAC, one a line (sanctioned_addresses_XBT.txt).",
    columns="no header; the chain's ticker ends the file's name",
    order=93,
    recognises=recognises,
    read=read,
)
