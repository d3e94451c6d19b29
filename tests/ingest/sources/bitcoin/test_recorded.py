"""Recorded answers of Bitcoin nodes, against the rows that bitcoin-etl made of them."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.decode_bitcoin import decode
from graph_api.domain.records import Block
from ingest.sources.bitcoin.source import BitcoinSource
from ingest.sources.files import bitcoin as bitcoin_files
from ingest.sources.files.format import Dataset, Options
from tests.ingest.sources.bitcoin.conftest import read, transactions
from tests.ingest.sources.bitcoin.recorded import FOLDER, RecordedNode

ROOT = os.environ.get("DESKGRAPH_DATA")
DATA = Path(ROOT or ".") / FOLDER
pytestmark = pytest.mark.skipif(
    ROOT is None, reason="DESKGRAPH_DATA names no folder of recorded answers; these tests read it"
)


def exported(path: Path) -> list[object]:
    return [e.record for e in bitcoin_files.read(Dataset(name=str(path), paths=(path,)), Options())]


@pytest.mark.parametrize(
    ("folder", "first", "last"),
    [
        ("block_0", 0, 0),
        ("block_1", 1, 1),
        ("block_without_transactions", 50_000, 50_000),
        ("block_with_transactions", 50_001, 50_002),
        ("stream_50001_50002", 50_001, 50_002),
    ],
)
async def test_a_block_by_rpc_is_the_block_by_file(
    source_of: Callable[..., BitcoinSource], folder: str, first: int, last: int
) -> None:
    found = await read(source_of(RecordedNode(DATA / folder)), first, last)

    # A file of blocks does not tell their parents; everything else is the same.
    blocks = [r for facts in found for r in facts.records if isinstance(r, Block)]
    assert [(b.number, b.hash, b.time) for b in blocks] == [
        (row.number, row.hash, row.time)
        for row in exported(DATA / folder / "expected_blocks.json")
        if isinstance(row, Block)
    ]
    assert transactions(found) == exported(DATA / folder / "expected_transactions.json")
    assert all(not facts.rejects for facts in found)


def test_every_answer_is_decoded_but_one_that_is_no_block() -> None:
    found = decode(Path(ROOT or ".") / "bitcoin_rpc")

    assert sum(one.answers for one in found) == 20
    assert sum((one.records for one in found), Counter()) == {
        "Block": 7,
        "UtxoTransaction": 11,
        "answer of one value": 9,
        "coins of a transaction": 3,
    }
    # Block 50001 with the hash and height of block 500000, and no transactions: made for a test.
    [left] = [reason for one in found for reason in one.left]
    assert "0024fb37364cbf81fd49cc2d51c09c75c35433c3a1945d04 hashes to 000000001c920d495e1" in left
