"""Slices of real files, by the command and by plain Python: the same sums, and nothing twice.

``make proof-real`` does this with all of them.
"""

import csv
import gzip
import os
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import pytest

from bench import plain
from bench.real import DataSet, Refuted, agree_with_files, prove, read
from graph_api.store.graph import Graph
from tests.ingest.loading import loaded

FOLDER = os.environ.get("DESKGRAPH_DATA")
DATA = Path(FOLDER or ".")
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="DESKGRAPH_DATA names no folder of real data; these tests read it"
)

#: Rows that are kept of most tables.
MOST: Final = 500
POLYGON: Final = [("chain", "=", "polygon")]
#: Transactions of Bitcoin that are kept; the first that spends is the 171st.
COINS: Final = 250
LABELS: Final = (
    "ofac/sanctioned_addresses_ETH.txt",
    "ofac/sanctioned_addresses_LTC.txt",
    "tagpacks/hacks.yaml.gz",
)
SETS: Final = (
    DataSet("eth_tx_2017", "eth_tx_2017", ("--chain", "ethereum"), plain.ethereum_2017),
    DataSet("graphsense_eth", "graphsense_eth", ("--chain", "ethereum"), plain.graphsense),
    DataSet("btc_2009", "btc_2009", ("--chain", "bitcoin", "--batch", "100")),
    DataSet("hop_transfers", "hop_transfers", ("--chain", "polygon"), plain.hop),
    DataSet("labels", "labels"),
)

Kept = Callable[[int, dict[str, str]], bool]


def cut(source: Path, to: Path, kept: Kept) -> None:
    """Copy the header and those rows of a packed table that are ``kept``, by number and cells."""
    with (
        gzip.open(source, "rt", encoding="utf-8", newline="") as rows,
        gzip.open(to, "wt", encoding="utf-8", newline="") as file,
    ):
        reader = csv.DictReader(rows)
        assert reader.fieldnames is not None
        writer = csv.DictWriter(file, reader.fieldnames, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for number, row in enumerate(reader) if kept(number, row))


@pytest.fixture(scope="session")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of the real files, with less in it."""
    folder = tmp_path_factory.mktemp("real")
    for name in ("eth_tx_2017", "graphsense_eth", "btc_2009", "hop_transfers"):
        (folder / name).mkdir()
    transfers, transactions = "token_transfers_14669683.csv", "transactions_a.csv.gz"
    shutil.copy(DATA / "eth_tx_2017" / transfers, folder / "eth_tx_2017")
    for name in LABELS:
        (folder / "labels" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / "labels" / name, folder / "labels" / name)

    def early(number: int, _: dict[str, str]) -> bool:
        return number < MOST

    def early_coins(_: int, row: dict[str, str]) -> bool:
        return int(row["tx_index"]) < COINS

    cut(DATA / "eth_tx_2017" / transactions, folder / "eth_tx_2017" / transactions, early)
    for table in ("blocks", "transactions", "traces"):
        name = f"graphsense_eth/{table}.csv.gz"
        cut(DATA / name, folder / name, early)
    logs = "graphsense_eth/logs.json.gz"
    with gzip.open(DATA / logs, "rt") as lines, gzip.open(folder / logs, "wt") as file:
        file.writelines(islice(lines, MOST))
    rows = pq.read_table(DATA / "hop_transfers/transfers.parquet", filters=POLYGON)
    pq.write_table(rows.slice(0, MOST), folder / "hop_transfers/transfers.parquet")
    for table in ("tx_hash", "tx_height", "tx_output", "tx_input"):
        name = f"btc_2009/{table}.csv.gz"
        cut(DATA / name, folder / name, early_coins)
    cut(DATA / "btc_2009/adr_hash.csv.gz", folder / "btc_2009/adr_hash.csv.gz", early)
    return folder


async def test_sums_are_those_of_plain_python_and_a_second_load_adds_nothing(
    graph: Graph, tmp_path: Path, slices: Path
) -> None:
    proof = await prove(graph, slices, SETS, engine=graph.engine.value, home=tmp_path)

    counts = {load.dataset: (load.read, load.rejected) for load in proof.loads}
    assert counts["eth_tx_2017"] == (MOST + 102, 0)
    assert counts["btc_2009"] == (COINS, 0)
    assert counts["hop_transfers"] == (MOST, 0)
    assert counts["labels"] == (152 + 10 + 608, 10)
    assert proof.recomputed.endswith("; 0 differ.")
    assert all(proof.refusals.values()), proof.refusals


async def test_a_transfer_that_is_not_in_the_files_is_noticed(
    graph: Graph, tmp_path: Path, slices: Path
) -> None:
    (eth, *_) = SETS
    await loaded(graph, slices / eth.folder, rejects=tmp_path)
    agree_with_files(await read(graph), slices, [eth])
    await graph.run_alone(
        "MATCH (f:Flow) WITH f ORDER BY f.id LIMIT 1 SET f.amount_raw = f.amount_raw + '0'"
    )

    with pytest.raises(Refuted, match=r"^Flows: 1 differ: "):
        agree_with_files(await read(graph), slices, [eth])
