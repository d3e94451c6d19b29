"""``deskgraph ingest load`` as a user meets it: what it says, what it counts, how it ends."""

import gzip
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from deskgraph.__main__ import main
from graph_api.store.graph import Graph
from ingest.sources.files import formats
from tests.given import address
from tests.ingest.export import TABLES, Row, csv_file, export, transfer_rows, written
from tests.ingest.loading import Ended, settings_of

CHECKSUMMED: Final = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def table(folder: Path, name: str = "transfers.csv", **changes: object) -> Path:
    """Three good transfers and, in line 3, one that ``changes`` spoil."""
    rows = list(transfer_rows(1, rows=4))
    rows[1] = rows[1] | changes
    return csv_file(folder / name, rows)


def truncated(folder: Path) -> Path:
    rows = csv_file(folder / "plain.csv", list(transfer_rows(1, rows=3_000)))
    path = folder / "cut.csv.gz"
    path.write_bytes(gzip.compress(rows.read_bytes())[:-2_000])
    return path


def bad_parquet(folder: Path) -> Path:
    path = folder / "bad.parquet"
    path.write_bytes(b"PAR1" + b"\x00" * 400 + b"PAR1")
    return path


def unknown_columns(folder: Path) -> Path:
    return csv_file(folder / "unknown.csv", [{"apples": 1, "pears": 2}])


def other_chain(folder: Path) -> Path:
    rows: list[Row] = [
        {"from": address("a"), "to": address("b"), "value": 1, "chain": "polygon"} for _ in range(2)
    ]
    return csv_file(folder / "polygon.csv", rows)


def empty_folder(folder: Path) -> Path:
    path = folder / "empty"
    path.mkdir()
    return path


FAULTS: Final[tuple[tuple[Callable[[Path], Path], tuple[str, ...], str], ...]] = (
    (lambda folder: folder / "nowhere", (), "There is no file or folder"),
    (empty_folder, (), "There is no file to load."),
    (unknown_columns, (), "is of no known format (columns: apples, pears)"),
    (truncated, (), "cut.csv.gz is damaged"),
    (bad_parquet, (), "bad.parquet is damaged"),
    (table, ("--chain", "atlantis"), "Unknown chain 'atlantis'; use one of"),
    (table, ("--chain", "bitcoin"), "is of an EVM chain, which Bitcoin is not."),
    (other_chain, ("--strict",), "line 2: Wrong chain: the row is of polygon"),
    (lambda folder: table(folder, value=-5), ("--strict",), "line 3: Amount '-5' is out of range"),
    (lambda folder: table(folder, value="1.5"), ("--strict",), "line 3: Amount '1.5' is no whole"),
    (lambda folder: table(folder, value=2**256), ("--strict",), "line 3: Amount '1157920892373"),
    (
        lambda folder: table(folder, to_address=CHECKSUMMED.replace("BeA", "bEa")),
        ("--strict",),
        "has a wrong EIP-55 checksum",
    ),
    (table, ("--map", "nonsense"), "--map 'nonsense' needs OURS=THEIRS pairs"),
    (table, ("--format", "nonsense"), "Unknown format 'nonsense'; use one of"),
    (table, ("--learned-at", "yesterday"), "--learned-at 'yesterday' is no date"),
)


class Command:
    """``deskgraph ingest load`` (or another) in this process, from arguments to exit code."""

    def __init__(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capfd, self._monkeypatch = capfd, monkeypatch

    def __call__(
        self, *arguments: str | Path, command: tuple[str, ...] = ("ingest", "load")
    ) -> Ended:
        argv = ["deskgraph", *command, *map(str, arguments)]
        self._monkeypatch.setattr("sys.argv", argv)
        self._capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = self._capfd.readouterr()
        return Ended(code, out, err)


@pytest.fixture
def command(
    graph: Graph,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Command]:
    """The command on an empty graph; its home is ``tmp_path``."""
    for name, value in settings_of(graph.address, tmp_path).items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)
    yield Command(capfd, monkeypatch)
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("make", "options", "words"), FAULTS)
def test_a_fault_is_one_sentence_and_exit_code_2(
    command: Command,
    tmp_path: Path,
    make: Callable[[Path], Path],
    options: tuple[str, ...],
    words: str,
) -> None:
    chain = () if "--chain" in options else ("--chain", "ethereum")

    ended = command(make(tmp_path), *chain, *options)

    assert (ended.code, ended.out) == (2, "")
    (sentence,) = ended.sentences
    assert words in sentence


def test_a_missing_chain_is_asked_for(command: Command, tmp_path: Path) -> None:
    ended = command(table(tmp_path))
    assert (ended.code, ended.sentences) == (
        2,
        ["deskgraph: A token transfers file names no chain; add one --chain."],
    )


def test_nothing_to_load_is_asked_for(command: Command) -> None:
    ended = command()
    assert (ended.code, ended.sentences) == (
        2,
        ["deskgraph: Name at least one file or folder to load."],
    )


def test_formats_lists_every_format(command: Command) -> None:
    ended = command("--formats")
    assert ended.code == 0
    for known in formats.FORMATS:
        assert known.name in ended.out


def test_bad_rows_go_to_a_file_with_line_and_reason(command: Command, tmp_path: Path) -> None:
    ended = command(table(tmp_path, value=-5), "--chain", "ethereum", "--json")

    assert ended.code == 0
    assert {name: ended.totals[name] for name in ("read", "written", "known", "rejected")} == {
        "read": 4,
        "written": 3,
        "known": 0,
        "rejected": 1,
    }
    (dataset,) = ended.totals["datasets"]
    (line,) = Path(dataset["rejects_file"]).read_text().splitlines()
    reject = msgspec.json.decode(line)
    assert (reject["file"], reject["line"], reject["entry"]) == (
        str(tmp_path / "transfers.csv"),
        3,
        2,
    )
    assert reject["reason"] == "Amount '-5' is out of range; it must lie between 0 and 2^256 - 1."
    assert ",-5," in reject["row"]


def test_strict_keeps_what_was_loaded_before_the_bad_row(command: Command, tmp_path: Path) -> None:
    rows = list(transfer_rows(1, rows=30))
    bad = csv_file(tmp_path / "transfers.csv", [*rows[:25], rows[25] | {"value": ""}, *rows[26:]])
    arguments = (bad, "--chain", "ethereum", "--batch", "10", "--json")

    ended = command(*arguments, "--strict")
    assert ended.code == 2
    assert ended.sentences[0].startswith(f"deskgraph: {bad}, line 27: ")

    again = command(*arguments)
    assert (again.totals["written"], again.totals["rejected"]) == (9, 1)
    assert again.totals["datasets"][0]["resumed_after"] == 20


def test_a_folder_of_all_kinds_is_loaded_in_its_order(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    written(folder, export(5, transactions=20))
    (folder / "readme.txt").write_text("A folder of exports.\n")
    (folder / "empty.csv").write_text("")
    (folder / ".hidden.csv").write_text("junk")
    (folder / "deeper").mkdir()
    table(folder / "deeper")

    ended = command(folder, "--chain", "ethereum", "--json")

    assert ended.code == 0, ended.err
    totals = ended.totals
    assert {one["format"].removeprefix("ethereum-etl-") for one in totals["datasets"]} == {
        name.replace("_", "-") for name in TABLES
    }
    assert len(totals["datasets"]) == len(TABLES) + 1
    assert sorted(Path(reason["reason"].split()[0]).name for reason in totals["skipped"]) == [
        "empty.csv",
        "readme.txt",
    ]
    for one in totals["datasets"]:
        assert one["read"] == one["written"] + one["known"] + one["rejected"]
    for name in ("read", "written", "known", "rejected"):
        assert totals[name] == sum(one[name] for one in totals["datasets"])


def test_without_a_terminal_progress_is_a_line_of_json_per_batch(
    command: Command, tmp_path: Path
) -> None:
    file = csv_file(tmp_path / "transfers.csv", list(transfer_rows(1, rows=50)))

    ended = command(file, "--chain", "ethereum", "--batch", "20")

    steps = [msgspec.json.decode(line) for line in ended.err.splitlines()]
    assert [step["summary"]["read"] for step in steps] == [20, 40, 50]
    assert [step["summary"]["row"] for step in steps] == [20, 40, 50]
    assert {(step["number"], step["datasets"], step["rows"]) for step in steps} == {(1, 1, 50)}
    assert "transfers.csv" in ended.out

    quiet = command(file, "--chain", "ethereum", "--quiet", "--json")
    assert (quiet.err, quiet.totals["known"]) == ("", 50)


def test_what_is_read_is_what_the_checkpoint_says(command: Command, tmp_path: Path) -> None:
    rows = list(transfer_rows(1, rows=20))
    doubled = csv_file(tmp_path / "transfers.csv", [*rows, *rows[:5], rows[0] | {"value": "x"}])

    first = command(doubled, "--chain", "ethereum", "--json").totals
    again = command(doubled, "--chain", "ethereum", "--json").totals

    names = ("read", "written", "known", "rejected")
    assert [first[name] for name in names] == [26, 20, 5, 1]
    assert [again[name] for name in names] == [26, 0, 25, 1]
    assert again["datasets"][0]["rejects_file"] == first["datasets"][0]["rejects_file"]


def test_recompute_says_what_is_wrong_and_puts_it_right(command: Command, tmp_path: Path) -> None:
    command(csv_file(tmp_path / "t.csv", list(transfer_rows(1, rows=50))), "--chain", "ethereum")
    recompute = ("graph", "recompute")
    sound = command("--check", command=recompute)
    assert (sound.code, sound.out.splitlines()[-1].endswith("; 0 differ.")) == (0, True), sound.err
    spoil = "MATCH (f:Flow) WITH f LIMIT 1 SET f.amount_raw = '7'"
    assert command(spoil, "--write", command=("cypher",)).code == 0

    checked = command("--check", command=recompute)
    mended = command(command=recompute)

    assert (checked.code, mended.code) == (1, 0)
    for ended, last in ((checked, "; 1 differ."), (mended, "; 1 were put right.")):
        first, second = ended.out.splitlines()
        assert "amount_raw is 7, should be" in first
        assert second.endswith(last)
    assert command("--check", command=recompute).code == 0
