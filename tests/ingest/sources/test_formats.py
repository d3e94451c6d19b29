"""Which format a file is, and what a load of many files reads in which order."""

from pathlib import Path

import pytest

from graph_api.domain.errors import BadInput
from ingest.sources.files.format import Options
from ingest.sources.files.formats import FORMATS, UnknownFormat, find, format_named, recognise
from ingest.sources.files.inputs import EmptyFile, NothingToLoad


def file(folder: Path, name: str, header: str, *, row: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("number,hash,parent_hash,nonce,timestamp", "ethereum-etl-blocks"),
        ("timestamp,number,hash,parent_hash,miner", "ethereum-etl-blocks"),
        ("hash,nonce,from_address,to_address,value,input", "ethereum-etl-transactions"),
        (
            "token_address,from_address,to_address,value,transaction_hash,log_index,block_number",
            "ethereum-etl-token-transfers",
        ),
        (
            "token_address,owner_address,spender_address,value,transaction_hash,log_index",
            "ethereum-etl-token-approvals",
        ),
        ("log_index,transaction_hash,address,data,topics", "ethereum-etl-logs"),
        (
            "transaction_hash,cumulative_gas_used,gas_used,contract_address,status",
            "ethereum-etl-receipts",
        ),
        (
            "transaction_hash,from_address,to_address,value,trace_type,call_type,trace_address",
            "ethereum-etl-traces",
        ),
        ("address,bytecode,function_sighashes,is_erc20,is_erc721", "ethereum-etl-contracts"),
        ("address,symbol,name,decimals,total_supply", "ethereum-etl-tokens"),
        ("blockId,blockHash,parentHash,timestamp", "graphsense-blocks"),
        ("txHash,nonce,blockId,fromAddress,toAddress,value", "graphsense-transactions"),
        (
            "blockId,traceId,fromAddress,toAddress,value,status,callType,txHash",
            "graphsense-traces",
        ),
        ("blockId,logIndex,address,topics,data,txHash", "graphsense-logs"),
        (
            "block_number,transaction_index,from_address,to_address,time_stamp,contract_address,"
            "value",
            "token-transfers-in-units",
        ),
        ("chain,kind,from_address,to_address", "transfers"),
        ("Sender,Recipient,Amount", "transfers"),
    ],
)
def test_a_format_is_recognised_by_its_columns(tmp_path: Path, header: str, name: str) -> None:
    assert recognise(file(tmp_path, "any", header), Options()).name == name


def test_a_mapping_makes_a_table_of_transfers_of_anything(tmp_path: Path) -> None:
    path = file(tmp_path, "any", "payer,payee,hash,nonce,from_address,to_address,value")

    found = recognise(path, Options(columns={"from": "payer", "to": "payee"}))

    assert found.name == "transfers"


def test_an_unknown_file_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = file(tmp_path, "any", "one,two")

    with pytest.raises(UnknownFormat, match="columns: one, two"):
        find([path], Options())


def test_names_of_formats_are_unique_and_found() -> None:
    names = [known.name for known in FORMATS]

    assert len(set(names)) == len(names)
    assert all(format_named(known.name) is known for known in FORMATS)
    with pytest.raises(BadInput, match="Unknown format 'csv'; use one of"):
        format_named("csv")


def test_a_folder_is_read_in_the_order_of_its_formats_and_the_rest_left_out(
    tmp_path: Path,
) -> None:
    file(tmp_path, "z/a_transfers.csv", "from,to")
    file(tmp_path, "b_logs.csv", "log_index,transaction_hash,address,data,topics")
    file(tmp_path, "c_blocks.csv", "number,hash,parent_hash,timestamp")
    file(tmp_path, "README.md", "# about")
    file(tmp_path, ".hidden/blocks.csv", "number,hash,parent_hash,timestamp")
    file(tmp_path, "rates.json", '{"date": "2015-08-07", "fiatValues": {"USD": 2.7}}')
    (tmp_path / "empty.csv").touch()

    found = find([tmp_path], Options())

    assert [Path(part.dataset.name).name for part in found.parts] == [
        "c_blocks.csv",
        "b_logs.csv",
        "a_transfers.csv",
    ]
    assert len(found.left_out) == 3
    for said in ("README.md is of no known format", "empty.csv is empty", "holds exchange rates"):
        assert any(said in sentence for sentence in found.left_out)


def test_a_file_named_twice_is_loaded_once(tmp_path: Path) -> None:
    path = file(tmp_path, "t.csv", "from,to")

    assert len(find([path, tmp_path, path], Options()).parts) == 1


def test_a_damaged_file_stops_also_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8bnothing")

    with pytest.raises(BadInput, match="damaged"):
        find([tmp_path], Options())


def test_nothing_to_load_is_said(tmp_path: Path) -> None:
    with pytest.raises(NothingToLoad, match="no file"):
        find([tmp_path], Options())
    (tmp_path / "empty.csv").touch()
    with pytest.raises(EmptyFile):
        find([tmp_path / "empty.csv"], Options())


def test_one_name_cannot_serve_the_rows_of_two_files(tmp_path: Path) -> None:
    paths = [file(tmp_path, name, "from,to") for name in ("a.csv", "b.csv")]

    with pytest.raises(BadInput, match="--dataset names the rows of one file"):
        find(paths, Options(dataset="mine"))
    assert len(find(paths[:1], Options(dataset="mine")).parts) == 1


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    path = file(tmp_path, "t.csv", "hash,nonce,from_address,to_address,value")

    [part] = find([path], Options(), format_name="transfers").parts

    assert part.format.name == "transfers"


def test_the_tables_of_a_spread_format_are_one_dataset(tmp_path: Path) -> None:
    for name, header in (
        ("tx_hash.csv", "tx_index,tx_hash"),
        ("tx_height.csv", "tx_index,block_index"),
    ):
        file(tmp_path, name, header)

    [part] = find([tmp_path], Options()).parts

    assert part.format.name == "btc_2009"
    assert len(part.dataset.paths) == 2
