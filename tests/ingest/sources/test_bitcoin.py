"""Bitcoin files: what bitcoin-etl exports, and a year in five tables."""

import gzip
import json
import os
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.records import Block, Output, Record, Reject, Spend, UtxoTransaction
from ingest.sources.files.bitcoin import FORMATS
from ingest.sources.files.format import Dataset, FileFormat, Options
from ingest.sources.files.inputs import sniff

BITCOIN = chain_of("bitcoin")
CHAIN = BITCOIN.id
TXID = "7940cdde4d713e171849efc6bd89939185be270266c94e92369e3877ad89455a"
SPENT = "76a8d70a757be5055f60be076b683897cadaad6b7bdf78c43e39b9d59cb4a6ea"
REPEATED = "d5d27987d2a3dfc724e359870c6644b40e497bdc0589a033220fe15429d88599"
ALICE = "1HaHTfmvoUW6i6nhJf8jJs6tU4cHNmBQHQ"
BOB = "1PkqKGbNLDdDJGveCcNUMV9CEFH77ADrPQ"
BOB_KEY = (
    "4104c1b5671c8975087cc796d6ea73d2407591528b5c669106f9b6ab6ef6e373a57553e14866aaeffc44a9f58e5ee0"
    "c7faa7add7474f0a2c55a22cb40b949fdc933cac"
)
MULTISIG = f"5121{'02' + 'ab' * 32}21{'03' + 'cd' * 32}52ae"


def format_of(path: Path) -> FileFormat:
    columns = sniff(path).columns
    [found] = [form for form in FORMATS if form.recognises(columns, path.name)]
    return found


def account(address: str) -> Any:
    return f"{CHAIN}:{address}"


def read(*paths: Path, options: Options | None = None) -> list[Record | Reject]:
    form = format_of(paths[0])
    [dataset] = (
        form.gathers(paths) if form.gathers else [Dataset(name=str(paths[0]), paths=(paths[0],))]
    )
    return [entry.record for entry in form.read(dataset, options or Options())]


def lines(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in objects), encoding="utf-8")
    return path


def transaction(**said: Any) -> dict[str, Any]:
    return {
        "hash": TXID,
        "block_number": 50001,
        "block_timestamp": 1270917100,
        "is_coinbase": False,
        "index": 1,
        "inputs": [
            {
                "index": 0,
                "spent_transaction_hash": SPENT,
                "spent_output_index": 3,
                "addresses": [BOB],
                "value": 5_000,
            }
        ],
        "outputs": [{"index": 0, "script_hex": "76", "addresses": [ALICE], "value": 4_990}],
    } | said


def output(index: int, **said: Any) -> dict[str, Any]:
    return {"index": index, "value": 1, "addresses": []} | said


@pytest.fixture
def data() -> Path:
    folder = os.environ.get("DESKGRAPH_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("DESKGRAPH_DATA names no folder of recorded data.")
    return Path(folder)


def test_a_transaction_is_whole(tmp_path: Path) -> None:
    [record] = read(lines(tmp_path / "t.json", transaction()))

    assert record == UtxoTransaction(
        id=f"{CHAIN}:{TXID}",  # type: ignore[arg-type]
        chain=CHAIN,  # type: ignore[arg-type]
        hash=TXID,
        block_number=50001,
        block_time=1_270_917_100_000,
        index=1,
        coinbase=False,
        inputs=(Spend(output=f"{CHAIN}:{SPENT}:3", owner=account(BOB), amount_raw=5_000),),
        outputs=(Output(id=f"{CHAIN}:{TXID}:0", owner=account(ALICE), amount_raw=4_990),),
    )


def test_owners_are_single_addresses_and_scripts_stay_where_they_say_more(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "t.json",
        transaction(
            outputs=[
                output(0, type="pubkey", addresses=[BOB], script_hex=BOB_KEY),
                output(1, type="pubkey", script_hex=BOB_KEY),
                output(2, type="multisig", addresses=[ALICE, BOB], script_hex=MULTISIG),
                output(3, type="multisig", script_hex=MULTISIG),
                output(4, type="nulldata", script_hex="6a026869", value=0),
                output(5, type="nonstandard", addresses=["nonstandard" + "ab" * 20]),
                output(6, addresses=["BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"]),
            ]
        ),
    )

    [record] = read(path)

    assert isinstance(record, UtxoTransaction)
    assert [(made.owner, made.script) for made in record.outputs] == [
        (account(BOB), BOB_KEY),
        (account(BOB), BOB_KEY),
        (None, MULTISIG),
        (None, MULTISIG),
        (None, "6a026869"),
        (None, None),
        (account("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), None),
    ]


def test_an_export_that_is_not_enriched_leaves_owners_and_amounts_open(tmp_path: Path) -> None:
    bare = {"spent_transaction_hash": SPENT, "spent_output_index": 0, "addresses": []}
    [record] = read(lines(tmp_path / "t.json", transaction(inputs=[bare | {"value": None}])))

    assert isinstance(record, UtxoTransaction)
    assert record.inputs == (Spend(output=f"{CHAIN}:{SPENT}:0", owner=None, amount_raw=None),)


def test_a_coinbase_spends_nothing(tmp_path: Path) -> None:
    listed: list[dict[str, Any]] = [
        {"index": 0, "spent_transaction_hash": None, "addresses": [], "value": None}
    ]
    path = lines(
        tmp_path / "t.json",
        transaction(is_coinbase=True, inputs=[]),
        transaction(is_coinbase=True, inputs=listed),
        transaction(is_coinbase=None, inputs=[]),
    )

    for record in read(path):
        assert isinstance(record, UtxoTransaction)
        assert record.coinbase
        assert record.inputs == ()


def test_a_repeated_coinbase_is_two_transactions(tmp_path: Path) -> None:
    coinbase = transaction(hash=REPEATED, is_coinbase=True, inputs=[])
    spend = {"spent_transaction_hash": REPEATED, "spent_output_index": 0, "value": 5_000}
    path = lines(
        tmp_path / "t.json",
        coinbase | {"block_number": 91812},
        coinbase | {"block_number": 91842},
        transaction(inputs=[spend]),
    )

    first, second, third = read(path)

    assert isinstance(first, UtxoTransaction)
    assert isinstance(second, UtxoTransaction)
    assert isinstance(third, UtxoTransaction)
    assert (first.id, first.outputs[0].id) == (f"{CHAIN}:{REPEATED}", f"{CHAIN}:{REPEATED}:0")
    assert (second.id, second.hash) == (f"{CHAIN}:{REPEATED}@91842", REPEATED)
    assert second.outputs[0].id == f"{CHAIN}:{REPEATED}@91842:0"
    assert third.inputs[0].output == second.outputs[0].id


def test_text_numbers_and_dates_of_a_warehouse_export_are_read(tmp_path: Path) -> None:
    said = transaction(block_number="50001", block_timestamp="2010-04-10 16:31:40 UTC")
    said["inputs"][0] |= {"spent_output_index": "3", "value": "5000"}
    said["outputs"][0] |= {"index": "0", "value": "4990"}
    del said["index"]

    [record] = read(lines(tmp_path / "export.json", said))
    [plain] = read(lines(tmp_path / "plain.json", transaction(index=None)))

    assert record == plain


def test_parquet_says_the_same_as_json(tmp_path: Path) -> None:
    said = [transaction(), transaction(is_coinbase=True, inputs=[])]
    expected = read(lines(tmp_path / "t.json", *said))
    path = tmp_path / "t.parquet"
    # A warehouse keeps amounts as decimals with nine digits after the point.
    for made in said:
        made["outputs"][0]["value"] = Decimal("4990.000000000")
    pq.write_table(pa.Table.from_pylist(said), path)

    assert read(path) == expected


def test_blocks_carry_number_hash_and_time(tmp_path: Path) -> None:
    digest = "000000001c920d495e1eeef2452b6d1c6c229a919b28196c103ecffebabee141"
    path = lines(
        tmp_path / "b.json",
        {"hash": digest, "number": 50001, "merkle_root": "ee", "timestamp": 1270917100},
    )

    assert format_of(path).name == "bitcoin-etl-blocks"
    assert read(path) == [
        Block(chain=CHAIN, number=50001, hash=digest, time=1_270_917_100_000)  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"hash": "ab"}, "no transaction hash"),
        ({"outputs": []}, "not numbered"),
        ({"outputs": [output(1)]}, "not numbered"),
        ({"outputs": [output(0), output(0)]}, "not numbered"),
        ({"outputs": [output(0, value=5_001)]}, "inputs only 5000"),
        ({"outputs": [output(0, value=-1)]}, r"outputs\[0\].value"),
        ({"outputs": [output(0, addresses=["LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9"])]}, "chain"),
        ({"outputs": [output(0, addresses=["1HaHTfmvoUW6i6nhJf8jJs6tU4cHNmBQHR"])]}, "checksum"),
        ({"inputs": []}, "no coinbase"),
        ({"inputs": [{"value": 9_000}]}, "does not name"),
        ({"block_timestamp": "yesterday"}, "no moment"),
    ],
)
def test_a_bad_row_is_a_reject_with_its_line_and_the_rest_is_read(
    tmp_path: Path, wrong: dict[str, Any], reason: str
) -> None:
    path = lines(tmp_path / "t.json", transaction(), transaction(**wrong), transaction())

    before, rejected, after = read(path)

    assert isinstance(rejected, Reject)
    assert (rejected.file, rejected.line) == (str(path), 2)
    assert re.search(reason, rejected.reason)
    assert isinstance(before, UtxoTransaction)
    assert before == after


def test_a_chain_without_outputs_is_refused_and_the_fitting_one_of_many_is_taken(
    tmp_path: Path,
) -> None:
    path = lines(tmp_path / "t.json", transaction())
    ethereum = chain_of("ethereum")

    with pytest.raises(BadInput, match="add --chain bitcoin"):
        read(path, options=Options(chains=(ethereum,)))
    assert read(path, options=Options(chains=(ethereum, BITCOIN))) == read(path)


TABLES = {
    "tx_hash.csv": ["tx_index,tx_hash", f"7,{'a' * 63}", f"8,{'c' * 64}", f"9,{'d' * 64}"],
    "tx_height.csv": ["tx_index,block_index", "7,4", "8,5", "9,5"],
    "adr_hash.csv": ["adr_index,adr_hash", f"1,{ALICE}", f"2,{BOB}"],
    "tx_output.csv": [
        "output_index,tx_index,adr_index,output_value,spent_index",
        "91,9,3,400,",
        "70,7,1,500,9.0",
        "80,8,2,510,",
        "90,9,2,90,",
    ],
    "tx_input.csv": ["output_index,tx_index,adr_index,input_value,spent_index", "70,9,1,500,7.0"],
}


def write_tables(folder: Path, **changed: list[str]) -> list[Path]:
    paths = []
    for name, content in TABLES.items():
        path = folder / (name + ".gz")
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.write("\n".join(content + changed.get(name.removesuffix(".csv"), [])) + "\n")
        paths.append(path)
    return paths


def test_five_tables_are_one_dataset_joined_in_the_order_of_transactions(tmp_path: Path) -> None:
    coinbase, other, spending = read(*write_tables(tmp_path))

    short = "a" * 63 + "b"
    assert isinstance(coinbase, UtxoTransaction)
    assert isinstance(other, UtxoTransaction)
    assert (coinbase.hash, coinbase.flags, coinbase.coinbase) == (short, ("short_hash",), True)
    assert (other.flags, other.block_number, other.index, other.block_time) == ((), 5, 0, None)
    assert spending == UtxoTransaction(
        id=f"{CHAIN}:{'d' * 64}",  # type: ignore[arg-type]
        chain=CHAIN,  # type: ignore[arg-type]
        hash="d" * 64,
        block_number=5,
        block_time=None,
        index=1,
        coinbase=False,
        inputs=(Spend(output=f"{CHAIN}:{short}:0", owner=account(ALICE), amount_raw=500),),
        outputs=(
            Output(id=f"{CHAIN}:{'d' * 64}:0", owner=account(BOB), amount_raw=90),
            Output(id=f"{CHAIN}:{'d' * 64}:1", owner=None, amount_raw=400),
        ),
    )


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("tx_output", "70,7,1,500,9.0", "listed twice"),
        ("tx_hash", f"7,{'e' * 64}", "listed twice"),
        ("tx_output", "990,99,1,500,", "No table lists the hash"),
        ("tx_output", "100,9,1,1.5,", "no whole number"),
        ("adr_hash", "4,1HaHTfmvoUW6i6nhJf8jJs6tU4cHNmBQHR", "checksum"),
        ("tx_hash", "10,abc", "no transaction hash"),
    ],
)
def test_a_row_that_cannot_be_is_told_with_its_line(
    tmp_path: Path, table: str, row: str, reason: str
) -> None:
    [rejected, *others] = read(*write_tables(tmp_path, **{table: [row]}))

    assert isinstance(rejected, Reject)
    assert Path(rejected.file).name == f"{table}.csv.gz"
    assert rejected.line == len(TABLES[f"{table}.csv"]) + 1
    assert reason in rejected.reason
    assert [type(other) for other in others] == [UtxoTransaction] * 3


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tx_output": ["101,10,2,7,"], "tx_input": ["71,10,1,500,7"]}, "which no table lists"),
        ({"tx_output": ["101,10,2,7,"], "tx_input": ["80,10,1,9,7"]}, "which holds 510"),
        ({"tx_output": ["101,10,2,7,"]}, "no inputs and is no coinbase"),
        ({"tx_input": ["80,10,2,510,8"]}, "not numbered"),
    ],
)
def test_a_transaction_that_lost_its_parts_is_a_reject(
    tmp_path: Path, changed: dict[str, list[str]], reason: str
) -> None:
    changed |= {"tx_hash": [f"10,{'e' * 64}"], "tx_height": ["10,5"]}

    *others, rejected = read(*write_tables(tmp_path, **changed))

    assert isinstance(rejected, Reject)
    assert Path(rejected.file).name == "tx_hash.csv.gz"
    assert reason in rejected.reason
    assert [type(other) for other in others] == [UtxoTransaction] * 3


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    paths = [path for path in write_tables(tmp_path) if "height" not in path.name]

    with pytest.raises(BadInput, match="tx_index,block_index"):
        read(*paths)


def test_the_recorded_exports_are_read_whole(data: Path) -> None:
    folder = data / "bitcoin_rpc/test_export_blocks_job/bitcoin"
    enriched = read(folder / "stream_50001_50002/expected_transactions.json")
    bare = read(folder / "block_with_transactions/expected_transactions.json")
    blocks = read(folder / "stream_50001_50002/expected_blocks.json")

    assert [block.number for block in blocks if isinstance(block, Block)] == [50001, 50002]
    assert len(enriched) == len(bare) == 4
    for full, open_ended in zip(enriched, bare, strict=True):
        assert isinstance(full, UtxoTransaction)
        assert isinstance(open_ended, UtxoTransaction)
        assert (full.id, full.outputs) == (open_ended.id, open_ended.outputs)
        assert [s.output for s in full.inputs] == [s.output for s in open_ended.inputs]
        assert all(spend.owner and spend.amount_raw for spend in full.inputs)
        assert all(made.owner for made in full.outputs)


def test_the_year_2009_adds_up_to_its_blocks(data: Path) -> None:
    records = read(*sorted((data / "btc_2009").glob("*.csv.gz")))

    rejects = [record for record in records if isinstance(record, Reject)]
    whole = [record for record in records if isinstance(record, UtxoTransaction)]
    made = sum(output.amount_raw for record in whole for output in record.outputs)
    spent = sum(spend.amount_raw or 0 for record in whole for spend in record.inputs)
    flags = Counter(flag for record in whole for flag in record.flags)
    ownerless = [o for record in whole for o in record.outputs if o.owner is None]

    assert [reject.row.split(",")[0] for reject in rejects] == ["242510", "242520"]
    assert all("listed twice" in reject.reason for reject in rejects)
    assert made - spent == 32_490 * 50 * 10**8
    assert len(whole) == 32_709
    assert sum(record.coinbase for record in whole) == 32_490
    assert [record.block_number for record in whole if record.coinbase] == list(range(32_490))
    assert flags == {"short_hash": 2_052}
    assert len({record.id for record in whole}) == 32_709
    assert len(ownerless) == 21
    assert all(record.block_time is None for record in whole)


def test_a_restored_hash_is_that_of_other_sources(data: Path) -> None:
    folder = data / "bitcoin_rpc/test_export_blocks_job/bitcoin"
    [genesis] = read(folder / "block_0/expected_transactions.json")
    restored = next(
        record
        for record in read(*sorted((data / "btc_2009").glob("*.csv.gz")))
        if isinstance(record, UtxoTransaction)
    )

    assert isinstance(genesis, UtxoTransaction)
    assert restored.flags == ("short_hash",)
    assert (restored.id, [made.owner for made in restored.outputs]) == (
        genesis.id,
        [made.owner for made in genesis.outputs],
    )
