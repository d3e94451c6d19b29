"""Opening and streaming files: kinds, damage, true line numbers, bounded memory."""

import gzip
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from graph_api.domain.errors import BadInput
from graph_api.domain.records import Reject
from ingest.sources.files import inputs
from ingest.sources.files.inputs import EmptyFile, Kind, Row, content_digest, rows, sniff

PLAIN = "from,to,value\nalice,bob,1\nbob,carol,2\n"
ROWS = [(1, 2, ("alice", "1")), (2, 3, ("bob", "2"))]


def read(path: Path, *columns: inputs.Column) -> list[Row]:
    return [
        (number, line, cells if isinstance(cells, Reject) else tuple(cells))
        for number, line, cells in rows(path, columns)
    ]


def written(folder: Path, data: str | bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    "packed",
    [bytes, gzip.compress, zstandard.ZstdCompressor().compress],
    ids=["plain", "gzip", "zstd"],
)
def test_content_and_not_the_name_tells_how_a_file_is_packed(
    tmp_path: Path, packed: Callable[[bytes], bytes]
) -> None:
    path = written(tmp_path, packed(PLAIN.encode()), "misnamed.parquet")

    assert read(path, "from", "value") == ROWS
    assert content_digest(path) == content_digest(written(tmp_path, PLAIN))


def test_compressed_files_of_several_members_are_read_to_their_end(tmp_path: Path) -> None:
    first, second = PLAIN[:20].encode(), PLAIN[20:].encode()
    zstd = zstandard.ZstdCompressor()

    gz = written(tmp_path, gzip.compress(first) + gzip.compress(second), "a.gz")
    zst = written(tmp_path, zstd.compress(first) + zstd.compress(second), "a.zst")

    assert read(gz, "from", "value") == read(zst, "from", "value") == ROWS


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_marks_line_ends_and_delimiters_do_not_matter(
    tmp_path: Path, mark: bytes, end: str, delimiter: str
) -> None:
    text = PLAIN.replace(",", delimiter).replace("\n", end)

    assert read(written(tmp_path, mark + text.encode()), "from", "value") == ROWS


def test_a_row_after_quoted_line_breaks_has_its_true_line(tmp_path: Path) -> None:
    path = written(tmp_path, 'name,value\n"two\nlines",1\n\n"a ""quoted"", one",2\nlast,3\n')

    assert read(path, "name", "value") == [
        (1, 2, ("two\nlines", "1")),
        (2, 5, ('a "quoted", one', "2")),
        (3, 6, ("last", "3")),
    ]


def test_columns_are_found_in_any_case_by_any_of_their_names(tmp_path: Path) -> None:
    path = written(tmp_path, "From_Address,VALUE\nalice,1\n")

    found = read(path, ("sender", "from_address"), "value", "nowhere", "from_address")

    assert found == [(1, 2, ("alice", "1", "", "alice"))]


def test_one_column_alone_can_be_asked_for(tmp_path: Path) -> None:
    assert read(written(tmp_path, PLAIN), "to") == [(1, 2, ("bob",)), (2, 3, ("carol",))]


def test_a_ragged_row_is_left_out_and_the_next_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN + "dave,erin\nerin,dave,5\n")

    [*_, (number, line, ragged), last] = read(path, "from", "value")

    assert isinstance(ragged, Reject)
    assert (number, line, ragged.line, ragged.row) == (3, 4, 4, "dave,erin")
    assert "2 cells where the header has 3" in ragged.reason
    assert last == (4, 5, ("erin", "5"))


def test_a_field_longer_than_the_csv_module_allows_by_default_is_read(tmp_path: Path) -> None:
    data = "0x" + "ab" * 100_000

    assert read(written(tmp_path, f"input,x\n{data},1\n"), "input") == [(1, 2, (data,))]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(PLAIN.encode() * 3000, mtime=0)[:-20], "is damaged near line"),
        (zstandard.ZstdCompressor().compress(PLAIN.encode() * 3000)[:-3], "Truncated"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-5] + b"wrong", "incorrect"),
        (b"\x1f\x8b", "is damaged near line 1"),
        (b"PAR1 but no Parquet", "is damaged"),
        (b"from,to\nalice,b\xfcb\n", "line 2, is not UTF-8"),
        ("from,to\nalice,bob\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"from,to\n", "has columns but no rows"),
        (gzip.compress(b""), "is empty"),
        (b"from,from\na,b\n", "two columns called 'from'"),
        (b'[{"from": 1}]', "is one json document"),
        (b"[{", "starts like JSON and is none"),
        (b"title: a pack\ntags:\n  - x\n", "is one yaml document"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_sentence(
    tmp_path: Path, data: bytes, said: str
) -> None:
    path = written(tmp_path, data, "broken")

    with pytest.raises(BadInput) as raised:
        read(path, "from", "to")

    message = str(raised.value)
    assert str(path) in message
    assert said in message
    assert "\n" not in message


def test_a_line_that_is_not_utf_8_is_found_however_deep_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, b"from,to\n" + b"alice,bob\n" * 90_000 + b"\xff,x\n")

    with pytest.raises(BadInput, match="line 90002, is not UTF-8"):
        read(path, "from")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        sniff(tmp_path / "nowhere.csv")
    with pytest.raises(BadInput, match="directory"):
        sniff(tmp_path)


def test_an_empty_file_can_be_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(EmptyFile):
        read(written(tmp_path, "from,to\n"), "from")


def test_numbers_of_json_lines_are_exact(tmp_path: Path) -> None:
    text = (
        '{"value": 123456789012345678901234567890, "other": 0.30000000000000004}\n'
        '\n{"other": 1e21, "VALUE": true}\n{"value": null, "other": ["x", "y"]}\n'
    )

    assert read(written(tmp_path, text), "value", "other") == [
        (1, 1, ("123456789012345678901234567890", "0.30000000000000004")),
        (2, 3, ("true", "1e21")),
        (3, 4, ("", ["x", "y"])),
    ]


@pytest.mark.parametrize("bad", ["{broken", "[1, 2]", '"text"', '{"value": "\xff"}'])
def test_a_bad_json_line_is_left_out_alone(tmp_path: Path, bad: str) -> None:
    data = b'{"value": 1}\n' + bad.encode("latin-1") + b'\n{"value": 3}\n'

    first, (number, line, cells), last = read(written(tmp_path, data), "value")

    assert isinstance(cells, Reject)
    assert (number, line) == (2, 2)
    assert (first, last) == ((1, 1, ("1",)), (3, 3, ("3",)))


def test_parquet_columns_of_every_type_become_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "int": pa.array([1, None], pa.int64()),
            "decimal": pa.array([Decimal(10**20), None], pa.decimal128(38, 9)),
            "fraction": pa.array([Decimal("1.5"), None], pa.decimal128(38, 9)),
            "time": pa.array([1_488_769_200_000_000, None], pa.timestamp("us", "UTC")),
            "binary": pa.array([b"\xab\xcd", None], pa.binary()),
            "fixed": pa.array([b"\xab\xcd", None], pa.binary(2)),
            "flag": pa.array([True, None]),
            "double": pa.array([1e18, None], pa.float64()),
            "repeated": pa.array(["x", None]).dictionary_encode(),
            "list": pa.array([["a", "b"], None], pa.list_(pa.string())),
            "nested": pa.array(
                [{"list": [{"element": "a"}, {"element": "b"}]}, None],
                pa.struct([("list", pa.list_(pa.struct([("element", pa.string())])))]),
            ),
        }
    )
    pq.write_table(table, tmp_path / "types.parquet")

    first, second = read(tmp_path / "types.parquet", *table.column_names, "nowhere")

    assert first[2] == (
        "1",
        "1" + "0" * 20,
        "1.500000000",
        "1488769200000",
        "0xabcd",
        "0xabcd",
        "true",
        "1e+18",
        "x",
        ["a", "b"],
        ["a", "b"],
        "",
    )
    assert second == (2, 2, ("",) * 12)


def test_rows_of_many_parquet_batches_are_numbered_on(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": range(20_001)}), tmp_path / "n.parquet", row_group_size=7_000)

    found = read(tmp_path / "n.parquet", "n")

    assert found == [(n + 1, n + 1, (str(n),)) for n in range(20_001)]


@pytest.mark.parametrize(
    ("text", "kind", "columns"),
    [
        (PLAIN, Kind.CSV, {"from", "to", "value"}),
        ('{"A": 1}\n{"A": 2}\n', Kind.LINES, {"a"}),
        ('{\n "A": [1],\n "B": 2}\n', Kind.JSON, {"a", "b"}),
        ('[\n {"A": 1},\n {"C": 2}]\n', Kind.JSON, {"a"}),
        ("[]", Kind.JSON, set()),
        ('["0x1"]', Kind.JSON, set()),
        ("%YAML 1.1\n---\ntitle: x\ntags:\n- a: 1\n", Kind.YAML, {"title", "tags"}),
        ("# by hand\ntitle: x, y\ntags: []\n", Kind.YAML, {"title", "tags"}),
        ("0xabc\n0xdef\n", Kind.CSV, {"0xabc"}),
    ],
)
def test_the_kind_and_columns_are_told_by_the_beginning(
    tmp_path: Path, text: str, kind: Kind, columns: set[str]
) -> None:
    sniffed = sniff(written(tmp_path, text))

    assert sniffed.kind == kind
    assert sniffed.columns == columns


def _peak(path: Path) -> int:
    arrow = 0
    tracemalloc.start()
    for number, _, _ in rows(path, ("text", "number")):
        if number % 5_000 == 0:
            arrow = max(arrow, pa.total_allocated_bytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak + arrow


def _csv(folder: Path, count: int) -> Path:
    text = "".join(f"{n:064x},{n}\n" for n in range(count))
    return written(folder, "text,number\n" + text, f"{count}.csv")


def _gzip(folder: Path, count: int) -> Path:
    return written(folder, gzip.compress(_csv(folder, count).read_bytes(), 1), f"{count}.csv.gz")


def _json(folder: Path, count: int) -> Path:
    text = "".join(f'{{"text": "{n:064x}", "number": {n}}}\n' for n in range(count))
    return written(folder, text, f"{count}.jsonl")


def _parquet(folder: Path, count: int) -> Path:
    table = pa.table({"text": [f"{n:064x}" for n in range(count)], "number": range(count)})
    # One row group, however long: what is worst for a reader.
    pq.write_table(table, folder / f"{count}.parquet", row_group_size=count)
    return folder / f"{count}.parquet"


@pytest.mark.parametrize(
    # A Parquet file shorter than its pages and dictionary needs less than a longer one.
    ("make", "count"),
    [(_csv, 5_000), (_gzip, 5_000), (_json, 5_000), (_parquet, 40_000)],
)
def test_a_ten_times_longer_file_needs_no_more_memory(
    tmp_path: Path, make: Callable[[Path, int], Path], count: int
) -> None:
    short, long = make(tmp_path, count), make(tmp_path, 10 * count)
    _peak(short)

    assert _peak(long) < 1.5 * _peak(short) + 1_000_000


_CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@given(table=st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=12))
def test_any_text_comes_back_as_it_was_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]]
) -> None:
    quoted = [tuple('"' + cell.replace('"', '""') + '"' for cell in row) for row in table]
    text = "a,b\n" + "".join(",".join(row) + "\n" for row in quoted)
    path = written(tmp_path_factory.mktemp("any"), text)

    found = read(path, "a", "b")

    assert [cells for _, _, cells in found] == table
    assert [number for number, _, _ in found] == list(range(1, len(table) + 1))
    assert [line for _, line, _ in found] == sorted({line for _, line, _ in found})
