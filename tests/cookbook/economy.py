"""The sample economy told in plain Python, to check answers of the graph against."""

import csv
import gzip
import json
from collections.abc import Iterator
from functools import cached_property
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from deskgraph.sample import cast, write_economy
from graph_api.domain.chains import CHAINS, chain_of
from graph_api.domain.ids import account_id, native_token, token_id, transaction_id
from graph_api.store.graph import Graph
from ingest.jobs.loading import Skipped, load_paths
from ingest.sources.files.format import Options
from tests.given import NOW

SEED: Final = 7
DAY: Final = 86_400_000
ETHEREUM: Final = chain_of("ethereum")
BITCOIN: Final = chain_of("bitcoin")
_SLUGS: Final = {chain.slug: chain for chain in CHAINS}


class Moved(NamedTuple):
    """A transfer on Ethereum as the files tell it."""

    sender: str
    recipient: str
    token: str
    amount: int
    transaction: str
    block: int
    time: int


class Economy:
    """The files of the economy, what they say, and what is true of it."""

    def __init__(self, folder: Path) -> None:
        told = folder / "truth.json"
        self.folder = folder / "files"
        self.paths = write_economy(self.folder, seed=SEED, size="small", truth=told)
        self.truth: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))

    async def load(self, graph: Graph) -> None:
        """Load all files as ``deskgraph ingest load`` does."""
        for folder, paths in groupby(self.paths, key=lambda path: path.parent.name):
            options = Options(chains=(_SLUGS[folder],) if folder in _SLUGS else ())
            rejects = self.folder / "rejects"
            loads = load_paths(graph, list(paths), options, clock=lambda: NOW, rejects=rejects)
            async for outcome in loads:
                assert not isinstance(outcome, Skipped)
                assert outcome.rejected == 0

    @cached_property
    def moved(self) -> list[Moved]:
        """Every transfer on Ethereum: tokens, and ether of transactions that did not fail."""
        times = {row["number"]: int(row["timestamp"]) * 1000 for row in self.rows("blocks.csv")}
        tokens = [
            Moved(
                account(row["from_address"]),
                account(row["to_address"]),
                token_id(ETHEREUM, row["token_address"]),
                int(row["value"]),
                transaction(row["transaction_hash"]),
                int(row["block_number"]),
                times[row["block_number"]],
            )
            for row in self.rows("token_transfers.csv")
        ]
        ether = [
            Moved(
                account(row["from_address"]),
                account(row["to_address"]),
                native_token(ETHEREUM),
                int(row["value"]),
                transaction(row["hash"]),
                int(row["block_number"]),
                times[row["block_number"]],
            )
            for row in self.rows("transactions.csv.gz")
            if int(row["value"]) and transaction(row["hash"]) not in self.failed
        ]
        return tokens + ether

    @cached_property
    def failed(self) -> set[str]:
        """Transactions that were reverted."""
        receipts = self.rows("receipts.csv.gz")
        return {transaction(row["transaction_hash"]) for row in receipts if row["status"] == "0"}

    @cached_property
    def symbols(self) -> dict[str, str]:
        """Token id to symbol on Ethereum."""
        rows = self.rows("tokens.csv")
        symbols: dict[str, str] = {native_token(ETHEREUM): "ETH"}
        return symbols | {token_id(ETHEREUM, row["address"]): row["symbol"] for row in rows}

    def token(self, symbol: str) -> str:
        """The id of the token with this symbol."""
        return next(token for token, known in self.symbols.items() if known == symbol)

    def rows(self, name: str) -> Iterator[dict[str, str]]:
        """Rows of a table of Ethereum."""
        path = self.folder / "ethereum" / name
        content = path.read_bytes()
        text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
        yield from csv.DictReader(StringIO(text, newline=""))

    @cached_property
    def tagged(self) -> dict[str, str]:
        """Name to wallet of what the TagPack tags on Ethereum."""
        pack = yaml.safe_load((self.folder / "labels" / "tagpack.yaml").read_text(encoding="utf-8"))
        evm = [tag for tag in pack["tags"] if tag["address"].startswith("0x")]
        return {tag["label"]: account(tag["address"]) for tag in evm}

    @cached_property
    def coin_transactions(self) -> list[dict[str, Any]]:
        """Transactions of Bitcoin."""
        with gzip.open(self.folder / "bitcoin" / "transactions.json.gz") as lines:
            return [json.loads(line) for line in lines]


def account(address: str) -> str:
    """The id of an address on Ethereum."""
    return account_id(ETHEREUM, address)


def transaction(digest: str) -> str:
    """The id of a transaction on Ethereum."""
    return transaction_id(ETHEREUM, digest)


def of(role: str) -> str:
    """The wallet of a role on Ethereum."""
    return account(cast.address(SEED, role))
