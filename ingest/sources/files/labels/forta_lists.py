"""Forta's labelled datasets: phishing addresses, and malicious contracts with their creators.

The folder that a list stands in is the chain's number (``labels/1/phishing_scams.csv``); without
such a folder it is Ethereum, whose explorer the lists were made from.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from graph_api.domain.categories import Category
from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE, Subject, claim, on_chain
from graph_api.domain.records import Label, Record, WalletFact, WalletKind
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.labels import facts
from ingest.sources.files.labels.entries import of_rows
from ingest.sources.files.labels.taxonomy import explorer_word

SOURCE: Final = "Forta labelled datasets"
SOURCE_URL: Final = "https://github.com/forta-network/labelled-datasets"

_PHISHING: Final = ("address", "etherscan_tag", "etherscan_labels", "is_contract")
_CONTRACTS: Final = (
    "contract_address",
    "contract_tag",
    "contract_creator",
    "contract_creator_tag",
    "source",
    "notes",
    "contract_creator_etherscan_label",
)


def _phishing(options: Options, path: Path, cells: Sequence[str]) -> Iterator[Record]:
    address, tag, word, is_contract = cells
    subject = on_chain(_chain(path), address)
    yield _label(subject, tag.strip() or "Phishing", word, options, default=Category.PHISHING)
    contract = facts.yes(is_contract)
    if contract is not None:
        kind = WalletKind.CONTRACT if contract else WalletKind.EOA
        yield WalletFact(id=subject.accounts[0], kind=kind)


def _malicious(options: Options, path: Path, cells: Sequence[str]) -> Iterator[Record]:
    address, tag, creator, creator_tag, source, notes, word = (cell.strip() for cell in cells)
    chain = _chain(path)
    if not address:
        raise BadInput("The row names no contract.")
    subject = on_chain(chain, address)
    note = "; ".join(part for part in (notes, source) if part) or None
    name = tag or notes or "Malicious contract"
    yield _label(subject, name, word, options, default=Category.HACK, note=note)
    yield WalletFact(id=subject.accounts[0], kind=WalletKind.CONTRACT)
    if creator:
        yield _label(
            on_chain(chain, creator),
            creator_tag or "Creator of a malicious contract",
            word,
            options,
            default=Category.HACK,
        )


def _label(
    subject: Subject,
    name: str,
    word: str,
    options: Options,
    *,
    default: Category,
    note: str | None = None,
) -> Label:
    meaning = explorer_word(word)
    return claim(
        subject,
        name,
        source=options.source or SOURCE,
        confidence=CONFIDENCE["trusted_provider"],
        category=meaning.category if meaning else default,
        source_category=word.strip() or None,
        source_url=SOURCE_URL,
        learned_at=options.learned_at,
        note=note,
    )


def _chain(path: Path) -> Chain:
    folder = path.parent.name
    return chain_of(folder if folder.isdigit() else "ethereum")


def _read_phishing(dataset: Dataset, options: Options) -> Iterator[Entry]:
    return of_rows(dataset, _PHISHING, partial(_phishing, options), needs=_PHISHING[:1])


def _read_contracts(dataset: Dataset, options: Options) -> Iterator[Entry]:
    return of_rows(dataset, _CONTRACTS, partial(_malicious, options), needs=_CONTRACTS[:1])


PHISHING: Final = FileFormat(
    name="forta-phishing",
    about="Forta's list of phishing addresses (CSV).",
    columns=",".join(_PHISHING),
    order=93,
    recognises=lambda columns, name: {"address", "etherscan_tag"} <= columns,
    read=_read_phishing,
)

CONTRACTS: Final = FileFormat(
    name="forta-contracts",
    about="Forta's list of malicious contracts; contract and creator are both labelled (CSV).",
    columns="contract_address,contract_tag,contract_creator,…",
    order=93,
    recognises=lambda columns, name: {"contract_address", "contract_creator"} <= columns,
    read=_read_contracts,
)
