"""A longer file takes longer, not more memory; and no number of bad rows is too large."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from graph_api.store.graph import Graph
from tests.given import hash_of
from tests.ingest.export import Row, transfer_rows
from tests.ingest.loading import load_apart

#: What two runs of one program differ by; rows that were kept would take several times as much.
NOISE_MB: Final = 16.0
BLOCKS: Final = 200


def streamed(path: Path, rows: Iterable[Row]) -> Path:
    """A CSV file that is never in memory as a whole."""
    every = iter(rows)
    first = next(every)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(first), lineterminator="\n")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(every)
    return path


def blocks(count: int) -> Iterator[Row]:
    """The same few blocks again and again: all that grows is the file."""
    for number in (row % BLOCKS for row in range(count)):
        own, parent = hash_of(str(number)), hash_of(str(number - 1))
        yield {"number": number, "hash": own, "parent_hash": parent, "timestamp": 10**9 + number}


def bad_rows(count: int) -> Iterator[Row]:
    """Good rows, but for the address of the recipient; and a good one at the end."""
    good = next(transfer_rows(1, rows=1))
    for number in range(count):
        yield good | {"to_address": f"0x{number}", "log_index": number}
    yield good


async def test_a_file_ten_times_as_long_takes_no_more_memory(graph: Graph, tmp_path: Path) -> None:
    peaks: list[float] = []
    for rows in (5_000, 50_000):
        file = streamed(tmp_path / f"{rows}.csv", blocks(rows))
        arguments = (file, "--chain", "ethereum", "--batch", "500", "--json", "--quiet")
        ended = await load_apart(graph.address, tmp_path, *arguments)
        assert ended.code == 0, ended.err
        assert (ended.totals["read"], ended.totals["rejected"]) == (rows, 0)
        assert ended.totals["written"] == (0 if peaks else BLOCKS)
        peaks.append(ended.peak_mb)

    assert peaks[1] - peaks[0] < NOISE_MB, peaks


async def test_a_hundred_thousand_rejects_are_all_told_and_none_is_kept_in_memory(
    graph: Graph, tmp_path: Path
) -> None:
    peaks: list[float] = []
    for rows in (10_000, 100_000):
        file = streamed(tmp_path / f"{rows}.csv", bad_rows(rows))
        arguments = (file, "--chain", "ethereum", "--json", "--quiet")
        ended = await load_apart(graph.address, tmp_path, *arguments)
        assert ended.code == 0, ended.err
        (dataset,) = ended.totals["datasets"]
        assert (dataset["read"], dataset["rejected"]) == (rows + 1, rows)
        assert lines(Path(dataset["rejects_file"])) == rows
        peaks.append(ended.peak_mb)

    assert peaks[1] - peaks[0] < NOISE_MB, peaks


def lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
