"""Token tables of the eth-labels kind: one row per token contract and label slug, chain per row.

Symbol and name are known, decimals are not. A row is about a token contract whatever its slug is
about, so its category is ``token`` unless the slug warns or says what kind of token it is.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from graph_api.domain.addresses import normal_address
from graph_api.domain.categories import ILLICIT, Category
from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.domain.labels import CONFIDENCE, claim, on_chain, plain
from graph_api.domain.records import Record, Token, WalletFact, WalletKind
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.labels.entries import of_rows
from ingest.sources.files.labels.facts import known_chain, link
from ingest.sources.files.labels.taxonomy import explorer_word

_COLUMNS: Final = ("address", "chainId", "label", "name", "symbol", "website")
_KINDS: Final = frozenset({Category.STABLECOIN, Category.WRAPPED, *ILLICIT})


def recognises(columns: frozenset[str], name: str) -> bool:
    """By the columns that no other table has together."""
    return {"address", "chainid", "label", "name", "symbol"} <= columns


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """The token, its wallet's kind and its label, row by row."""
    return of_rows(dataset, _COLUMNS, partial(_records, options), needs=_COLUMNS[:2])


def _records(options: Options, path: Path, cells: Sequence[str]) -> Iterator[Record]:
    address, number, word, name, symbol, website = cells
    chain = known_chain(number)
    subject = on_chain(chain, address)
    normal = normal_address(chain, address)
    yield Token(
        id=TokenId(f"{chain.id}/erc20:{normal}"),
        chain=ChainId(chain.id),
        address=normal,
        symbol=plain(symbol) or None,
        name=plain(name) or None,
    )
    yield WalletFact(id=AccountId(subject.accounts[0]), kind=WalletKind.CONTRACT)
    meaning = explorer_word(word)
    yield claim(
        subject,
        name.strip() or symbol.strip() or word,
        source=options.source or "eth-labels",
        confidence=CONFIDENCE["web_crawl"],
        category=meaning.category if meaning and meaning.category in _KINDS else Category.TOKEN,
        source_category=word.strip() or None,
        source_url=link(website),
        actor=meaning.actor if meaning else None,
        learned_at=options.learned_at,
    )


FORMAT: Final = FileFormat(
    name="token-labels",
    about="Table of token contracts and their label slugs (eth-labels, CSV).",
    columns="address,chainId,label,name,symbol[,website,image]",
    order=92,
    recognises=recognises,
    read=read,
)
