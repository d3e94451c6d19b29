"""Recorded answers of EVM nodes: all of them decode, and say what the files made of them say."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.decode_evm import chain_records, decode, raw, records_of
from graph_api.domain.chains import chain_of
from graph_api.domain.records import Block, Record, Reject, Token, Transaction, Transfer, WalletFact
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.evm.answers import CallFrame, TracedTransaction, number
from ingest.sources.evm.describing import nothing
from ingest.sources.evm.descriptions import tokens_at
from ingest.sources.evm.internal import internal_transfers, steps_of_frames
from ingest.sources.evm.source import EvmSource
from ingest.sources.files import evm_tables
from tests.ingest.providers.serving import Answering, Refusal, served
from tests.ingest.sources.tables import Reader, records

FOLDER = os.environ.get("DESKGRAPH_DATA")
DATA = Path(FOLDER or ".") / "evm_rpc"
ETL = DATA / "ethereum_etl"
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="DESKGRAPH_DATA names no folder of real data; these tests read it"
)


def test_every_recorded_answer_decodes() -> None:
    found = decode(DATA)

    assert not [left for folder in found for left in folder.left]
    assert not any(folder.rejects for folder in found)
    assert sum(folder.answers for folder in found) == 51
    totals: Counter[str] = sum((folder.records for folder in found), Counter())
    assert totals == {
        "Block": 10,
        "Transaction": 692,
        "Transfer": 1700,
        "Approval": 67,
        "Swap": 35,
        "WalletFact": 13,
    }


@pytest.mark.parametrize(
    "folder", ["block_with_logs", "blocks_with_transactions", "block_without_transactions"]
)
def test_blocks_are_those_of_the_files(folder: str) -> None:
    place = ETL / "test_export_blocks_job" / folder
    answers = [record for file in place.glob("web3_response*") for record in records_of(file)]

    told = of_file(evm_tables.blocks, place / "expected_blocks.csv")
    told += of_file(evm_tables.transactions, place / "expected_transactions.csv")
    assert by_id(answers) == by_id(told)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            "test_export_receipts_job/receipts_with_logs",
            "test_export_receipts_job/receipts_with_logs/expected_logs.json",
        ),
        (
            "test_export_token_transfers_job/block_with_transfers",
            "test_export_receipts_job/receipts_with_logs/expected_logs.json",
        ),
    ],
)
def test_logs_are_those_of_the_files(answers: str, expected: str) -> None:
    found = [record for file in (ETL / answers).glob("web3*") for record in records_of(file)]

    assert by_id(found) == by_id(of_file(evm_tables.log_events, ETL / expected))


@pytest.mark.parametrize(
    "folder",
    [
        "test_export_traces_job/block_with_create",
        "test_export_traces_job/block_with_error",
        "test_export_traces_job/block_with_subtraces",
        "test_export_traces_job/block_with_suicide",
        "test_export_traces_job/block_without_transactions",
        "test_stream/blocks_2112234_2112234",
        "test_stream/blocks_508110_508110",
    ],
)
def test_traces_are_those_of_the_files(folder: str) -> None:
    place = ETL / folder
    found = [one for file in place.glob("web3*trace_block*") for one in records_of(file)]

    (expected,) = place.glob("expected_traces.*")
    told = of_file(evm_tables.trace_moves, expected)
    inner = [one for one in told if not (isinstance(one, Transfer) and one.position == "native")]
    assert by_id(found) == by_id(inner)


def test_geths_traces_move_what_another_program_found_in_them() -> None:
    moves = 0
    for file in sorted((DATA / "mesh").iterdir()):
        for transaction in msgspec.json.decode(raw(file))["block"]["transactions"]:
            told = Counter(_received(transaction["operations"]))
            frames = transaction.get("metadata", {}).get("trace")
            assert Counter(_moved(frames)) == told, file.name
            moves += told.total()

    assert moves == 1_294


async def test_a_stream_is_read_as_its_files() -> None:
    place = ETL / "test_stream/blocks_1755634_1755635"
    async with served(recorded(place)) as node, source(node.url) as ethereum:
        facts = [one async for one in ethereum.blocks(1755634, 1755635)]

    told = of_file(evm_tables.blocks, place / "expected_blocks.json")
    told += of_file(evm_tables.transactions, place / "expected_transactions.json")
    told += of_file(evm_tables.log_events, place / "expected_logs.json")
    assert by_id([record for one in facts for record in one.records]) == by_id(told)


@pytest.mark.parametrize(
    ("chain", "block", "logs"),
    [("ethereum", 1_000_000, 1), ("ethereum", 18_000_000, 291), ("polygon", 50_000_000, 877)],
)
async def test_large_blocks_pass_every_check(chain: str, block: int, logs: int) -> None:
    (place,) = (DATA / "squid" / chain / str(block)).glob("block*")
    receipts = msgspec.json.decode(raw(place.with_name(place.name.replace("block", "receipts"))))
    answers = {
        "eth_chainId": hex(int(chain_of(chain).id.partition(":")[2])),
        "eth_getBlockByNumber": msgspec.json.decode(raw(place)),
        "eth_getBlockReceipts": receipts,
    }

    async def answering(method: str, _: Sequence[Any]) -> Any:
        if method not in answers:
            raise Refusal(-32601, "method not found")
        return answers[method]

    async with served(answering) as node, source(node.url, chain=chain) as reader:
        (facts,) = [one async for one in reader.blocks(block, block)]

    assert sum(len(receipt["logs"]) for receipt in receipts) == logs
    assert list(facts.records) == records_of(place)
    read = {record.hash for record in facts.records if isinstance(record, Transaction)}
    assert read == {receipt["transactionHash"] for receipt in receipts}


async def test_a_contract_that_says_nothing_of_itself_has_no_words() -> None:
    place = ETL / "test_stream/blocks_2112234_2112234"
    address = "0xdbdacfc9eb9d42559ac1efbdb40460c728139e6a"
    chain = chain_records()
    async with served(recorded(place)) as node:
        pool = Endpoints.open("Ethereum", [EndpointSettings(url=node.url)])
        (token,) = await pool.ask(
            lambda endpoint: tokens_at(endpoint, [(chain.token(address), 2112234)], chain)
        )
        await pool.close()

    assert token == Token(
        id=chain.token(address), chain=chain.id, address=address, decimals=0, total_supply_raw=0
    )


def of_file(read: Reader, path: Path) -> list[Record | Reject]:
    """What a file of expected rows says; one without rows is empty."""
    return records(read, path) if path.stat().st_size else []


def by_id(found: Sequence[Record | Reject]) -> dict[str, Record]:
    """Records by what they are of. Files do not say when a transaction of theirs was."""
    named: dict[str, Record] = {}
    for record in found:
        assert isinstance(record, Block | Transaction | Transfer | WalletFact)
        if isinstance(record, Block):
            named[str(record.number)] = record
        elif isinstance(record, WalletFact):
            named[f"kind of {record.id}"] = record
        else:
            named[record.id] = msgspec.structs.replace(record, block_time=None)
    assert len(named) == len(found)
    return named


def recorded(place: Path) -> Answering:
    """A node that answers what is recorded in ``place``, each call by its name and place."""
    answers = {
        file.name.removeprefix("web3_response.").removesuffix(".json"): msgspec.json.decode(
            file.read_bytes()
        )["result"]
        for file in place.glob("web3_response.*")
    }

    async def answering(method: str, params: Sequence[Any]) -> Any:
        if method == "eth_chainId":
            return "0x1"
        if method == "eth_call":
            name = f"eth_call_data_{params[0]['data']}_to_{params[0]['to']}_latest"
        else:
            name = "_".join([method, *(str(one).lower() for one in params)])
        if name not in answers:
            raise Refusal(-32601, f"the method {method} does not exist/is not available")
        return answers[name]

    return answering


@asynccontextmanager
async def source(url: str, *, chain: str = "ethereum") -> AsyncIterator[EvmSource]:
    """A source of one endpoint that describes nothing."""
    which = chain_of(chain)
    pool = Endpoints.open(which.name, [EndpointSettings(url=url)])
    reader = EvmSource(which, pool, unknown_tokens=nothing, unknown_accounts=nothing)
    try:
        yield reader
    finally:
        await reader.close()


def _received(operations: Sequence[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    for operation in operations:
        kind, amount = operation["type"], int(operation.get("amount", {}).get("value", 0))
        moves = kind in ("CALL", "CREATE", "SELFDESTRUCT") and operation["status"] == "SUCCESS"
        if moves and amount > 0:
            yield operation["account"]["address"].lower(), amount


def _moved(frames: Any) -> Iterator[tuple[str, int]]:
    if frames is None:
        return
    traced = [TracedTransaction(result=msgspec.convert(frames, CallFrame))]
    steps = steps_of_frames(traced, ["0x" + "00" * 32])
    outer = steps[0]
    if not outer.failed and outer.recipient and number(outer.value or "0x0"):
        yield outer.recipient, number(outer.value or "0x0")
    for record in internal_transfers(steps, chain_records(), block_number=0, block_time=0):
        # What a contract that ends leaves to itself is gone, and reaches nobody.
        if isinstance(record, Transfer) and record.sender != record.recipient:
            assert record.amount_raw is not None
            yield record.recipient.rpartition(":")[2], record.amount_raw
