"""Reads a label file as the loader does: by the one format that recognises it."""

import gzip
from collections import Counter
from pathlib import Path

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.records import Actor, Label, Reject, Token, WalletFact
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import sniff
from ingest.sources.files.labels import FORMATS


class Found(msgspec.Struct):
    """What a file said."""

    format: str
    entries: list[Entry]

    @property
    def labels(self) -> list[Label]:
        return [entry.record for entry in self.entries if isinstance(entry.record, Label)]

    @property
    def actors(self) -> list[Actor]:
        return [entry.record for entry in self.entries if isinstance(entry.record, Actor)]

    @property
    def tokens(self) -> list[Token]:
        return [entry.record for entry in self.entries if isinstance(entry.record, Token)]

    @property
    def facts(self) -> list[WalletFact]:
        return [entry.record for entry in self.entries if isinstance(entry.record, WalletFact)]

    @property
    def rejects(self) -> list[Reject]:
        return [entry.record for entry in self.entries if isinstance(entry.record, Reject)]

    @property
    def rows(self) -> int:
        return max((entry.row for entry in self.entries), default=0)

    def kinds(self) -> Counter[str]:
        """How many records there are of each kind."""
        return Counter(type(entry.record).__name__ for entry in self.entries)


def recognised(path: Path) -> FileFormat:
    """The format of a file; exactly one may claim it."""
    columns = sniff(path).columns
    (only,) = [known for known in FORMATS if known.recognises(columns, path.name)]
    return only


def read(path: Path, *chains: str, options: Options | None = None) -> Found:
    """All entries of a file."""
    file_format = recognised(path)
    settings = options or Options(chains=tuple(chain_of(chain) for chain in chains))
    dataset = Dataset(name="test", paths=(path,))
    return Found(file_format.name, list(file_format.read(dataset, settings)))


def written(folder: Path, name: str, text: str) -> Path:
    """A file with ``text``; gzipped where its name says so."""
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return path
