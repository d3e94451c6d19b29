"""Rows of ethereum-etl and GraphSense as records."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from graph_api.domain.addresses import created_contract
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import ChainId, TransactionId
from graph_api.domain.records import (
    Approval,
    Block,
    Receipt,
    Token,
    Transaction,
    Transfer,
    WalletFact,
    WalletKind,
)
from ingest.sources.evm import logs
from ingest.sources.files import evm_tables
from ingest.sources.files.format import Options
from tests.ingest.sources.tables import (
    ALICE,
    BOB,
    CAROL,
    ETHEREUM,
    HASH,
    OTHER_HASH,
    TOKEN,
    Table,
    account,
    csv_file,
    entries,
    lines_file,
    made,
    only_reason,
    parquet_file,
    records,
)

ETHER = 10**18
NATIVE = "eip155:1/slip44:60"
TRANSACTION: dict[str, Any] = {
    "hash": HASH,
    "nonce": 3,
    "block_number": 3_300_000,
    "transaction_index": 5,
    "from_address": ALICE,
    "to_address": BOB,
    "value": 2 * ETHER,
    "gas": 21_000,
    "gas_price": 43_000_000_000,
    "input": "0x",
    "block_timestamp": 1_488_769_200,
}
EXPECTED = Transaction(
    id=TransactionId(f"eip155:1:{HASH}"),
    chain=ChainId("eip155:1"),
    hash=HASH,
    sender=account(ALICE),
    recipient=account(BOB),
    value_raw=2 * ETHER,
    method_id=None,
    block_number=3_300_000,
    block_time=1_488_769_200_000,
    index=5,
    gas_price_raw=43_000_000_000,
)


def transaction(folder: Path, **said: object) -> Transaction:
    [record] = made(evm_tables.transactions, folder, TRANSACTION | said)
    assert isinstance(record, Transaction), record
    return record


def test_a_transaction_is_read_whole(tmp_path: Path) -> None:
    assert transaction(tmp_path) == EXPECTED


def test_both_exports_spell_one_transaction(tmp_path: Path) -> None:
    graphsense = {
        "txHash": HASH,
        "nonce": 3,
        "blockId": 3_300_000,
        "transactionIndex": 5,
        "fromAddress": ALICE,
        "toAddress": BOB,
        "value": "2e18",
        "gasPrice": 43_000_000_000,
        "input": "0x",
        "blockTimestamp": 1_488_769_200,
    }

    assert made(evm_tables.transactions, tmp_path, graphsense) == [EXPECTED]


@pytest.mark.parametrize("write", [csv_file, lines_file, parquet_file])
def test_every_kind_of_file_says_the_same(
    tmp_path: Path, write: Callable[[Path, Table], Path]
) -> None:
    path = write(tmp_path / "file", [TRANSACTION | {"value": str(2 * ETHER), "input": None}])

    assert records(evm_tables.transactions, path) == [EXPECTED]


def test_a_joined_receipt_adds_status_and_the_price_that_was_paid(tmp_path: Path) -> None:
    record = transaction(
        tmp_path, receipt_status=0, receipt_gas_used=21_000, receipt_effective_gas_price=7
    )

    assert (record.status, record.gas_used, record.gas_price_raw) == (0, 21_000, 7)


@pytest.mark.parametrize(
    ("data", "method"),
    [
        ("0x", None),
        ("", None),
        ("0x20", None),
        ("0xa9059cbb", "0xa9059cbb"),
        ("0xA9059CBB" + "00" * 64, "0xa9059cbb"),
    ],
)
def test_the_selector_is_the_first_four_bytes(
    tmp_path: Path, data: str, method: str | None
) -> None:
    assert transaction(tmp_path, input=data, value=0).method_id == method


def test_a_creation_calls_the_contract_that_it_creates(tmp_path: Path) -> None:
    computed = transaction(tmp_path, to_address="", input="0x60606040")
    told = transaction(tmp_path, to_address="", receipt_contract_address=CAROL)
    unknown = transaction(tmp_path, to_address="", nonce="")

    assert computed.recipient == account(created_contract(ALICE, 3))
    assert told.recipient == account(CAROL)
    assert unknown.recipient is None
    assert computed.creates
    assert told.creates
    assert computed.method_id is None
    assert not transaction(tmp_path).creates


def test_checksummed_addresses_and_upper_case_hashes_are_one_with_lower_case(
    tmp_path: Path,
) -> None:
    record = transaction(
        tmp_path, from_address=to_checksum_address(ALICE), hash="0x" + HASH[2:].upper()
    )

    assert record == EXPECTED


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"from_address": ALICE[:-1]}, "no EVM address"),
        ({"from_address": ""}, "no EVM address"),
        ({"to_address": "0x" + "aA" * 20}, "wrong EIP-55 checksum"),
        ({"hash": HASH[:-1]}, "no transaction hash"),
        ({"hash": ""}, "no transaction hash"),
        ({"value": -1}, "no whole number|out of range"),
        ({"value": 2**256}, "out of range"),
        ({"value": "1.5"}, "no whole number"),
        ({"value": ""}, "no amount"),
        ({"value": "1.2345678901234568e+18"}, "went through a float"),
        ({"block_number": 2**63}, "out of range"),
        ({"block_timestamp": "soon"}, "no moment"),
        ({"receipt_status": 2}, "neither 0 nor 1"),
        ({"input": "a9059cbb"}, "no hex"),
    ],
)
def test_a_bad_row_says_why_and_the_next_is_read(
    tmp_path: Path, said: dict[str, object], reason: str
) -> None:
    path = csv_file(tmp_path / "t.csv", [TRANSACTION | said, TRANSACTION])

    bad, good = entries(evm_tables.transactions, path)

    assert (bad.row, good.row) == (1, 2)
    assert re.search(reason, only_reason([bad.record]))
    assert good.record == EXPECTED


def test_a_table_of_another_family_is_refused(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "t.csv", [TRANSACTION])

    with pytest.raises(BadInput, match="EVM chain, which Bitcoin is not"):
        entries(evm_tables.transactions, path, Options(chains=(chain_of("bitcoin"),)))
    with pytest.raises(BadInput, match="add one --chain"):
        entries(evm_tables.transactions, path, Options())


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "t.csv", [{"hash": HASH, "from_address": ALICE, "value": 1}])

    with pytest.raises(BadInput, match="no column to_address or toaddress; it has from_address,"):
        entries(evm_tables.transactions, path)


def test_a_block_has_hashes_and_time(tmp_path: Path) -> None:
    row = {"number": 0, "hash": HASH, "parent_hash": OTHER_HASH, "timestamp": 0}

    assert made(evm_tables.blocks, tmp_path, row) == [
        Block(
            chain=ChainId("eip155:1"),
            number=0,
            hash=HASH,
            parent_hash=OTHER_HASH,
            time=0,
        )
    ]


def test_a_receipt_before_byzantium_has_no_status(tmp_path: Path) -> None:
    row = {
        "transaction_hash": HASH,
        "transaction_index": 1,
        "block_number": 9,
        "cumulative_gas_used": 5,
        "gas_used": 4,
        "contract_address": CAROL,
        "status": "",
        "effective_gas_price": 7,
    }

    [record] = made(evm_tables.receipts, tmp_path, row)

    assert isinstance(record, Receipt)
    assert (record.status, record.gas_used, record.gas_price_raw) == (None, 4, 7)
    assert (record.block_number, record.index, record.contract) == (9, 1, account(CAROL))


def test_decoded_token_transfers_and_logs_are_the_same_transfer(tmp_path: Path) -> None:
    decoded = {
        "token_address": TOKEN,
        "from_address": ALICE,
        "to_address": BOB,
        "value": 10**25,
        "transaction_hash": HASH,
        "log_index": 3,
        "block_number": 100,
    }
    raw = {
        "log_index": 3,
        "transaction_hash": HASH,
        "address": TOKEN,
        "data": f"0x{10**25:064x}",
        "topics": f"{logs.TRANSFER},0x{ALICE[2:]:0>64},0x{BOB[2:]:0>64}",
        "block_number": 100,
    }

    assert made(evm_tables.token_transfers, tmp_path, decoded) == made(
        evm_tables.log_events, tmp_path, raw
    )


def test_an_approval_of_a_table_is_the_one_of_the_log(tmp_path: Path) -> None:
    row = {
        "token_address": TOKEN,
        "owner_address": ALICE,
        "spender_address": BOB,
        "value": 2**256 - 1,
        "transaction_hash": HASH,
        "log_index": 3,
        "block_number": 100,
    }

    [record] = made(evm_tables.token_approvals, tmp_path, row)

    assert isinstance(record, Approval)
    assert (record.id, record.amount_raw) == (f"eip155:1:{HASH}:log:3", 2**256 - 1)


def test_a_log_that_cannot_be_placed_is_left_out(tmp_path: Path) -> None:
    row = {
        "log_index": "",
        "transaction_hash": HASH,
        "address": TOKEN,
        "data": "0x",
        "topics": logs.TRANSFER,
    }

    assert "no log_index" in only_reason(made(evm_tables.log_events, tmp_path, row))


def trace(path: str = "", **said: object) -> dict[str, object]:
    return {
        "block_number": 1_000_000,
        "transaction_hash": HASH,
        "from_address": ALICE,
        "to_address": BOB,
        "value": ETHER,
        "trace_type": "call",
        "call_type": "call",
        "trace_address": path,
        "status": 1,
        "trace_id": f"call_{HASH}_{path.replace(',', '_')}",
    } | said


def moves(folder: Path, *rows: dict[str, object]) -> list[tuple[str, int]]:
    found = made(evm_tables.trace_moves, folder, *rows)
    return [
        (record.position, record.amount_raw or 0)
        for record in found
        if isinstance(record, Transfer)
    ]


def test_the_outermost_call_is_the_transactions_own_transfer(tmp_path: Path) -> None:
    [root, inner] = made(evm_tables.trace_moves, tmp_path, trace(), trace("0,1", value=5))

    assert isinstance(root, Transfer)
    assert isinstance(inner, Transfer)
    assert root.id == f"eip155:1:{HASH}:native"
    assert inner.id == f"eip155:1:{HASH}:trace:0.1"
    assert (root.token, root.amount_raw, root.amount) == (NATIVE, ETHER, 1.0)
    assert inner.transaction == f"eip155:1:{HASH}"


@pytest.mark.parametrize(
    "still",
    [
        {"call_type": "delegatecall"},
        {"call_type": "staticcall"},
        {"call_type": "callcode"},
        {"value": 0},
        {"value": ""},
        {"status": 0},
        {"trace_type": "suicide", "call_type": "", "value": 0},
    ],
)
def test_what_moves_no_value_is_no_transfer(tmp_path: Path, still: dict[str, object]) -> None:
    assert moves(tmp_path, trace("0", **still)) == []


@pytest.mark.parametrize("kind", ["suicide", "selfdestruct", "create"])
def test_ending_and_creating_contracts_move_value(tmp_path: Path, kind: str) -> None:
    assert moves(tmp_path, trace("2", trace_type=kind, call_type="")) == [("trace:2", ETHER)]


def test_a_created_contract_is_known_as_one(tmp_path: Path) -> None:
    row = trace("0", trace_type="create", call_type="", value=0, to_address=CAROL)

    assert made(evm_tables.trace_moves, tmp_path, row) == [
        WalletFact(id=account(CAROL), kind=WalletKind.CONTRACT)
    ]


@pytest.mark.parametrize("failure", [{"status": 0}, {"status": "", "error": "Reverted"}])
def test_nothing_happened_below_a_call_that_failed(
    tmp_path: Path, failure: dict[str, object]
) -> None:
    rows = [
        trace("0", value=1),
        trace("1", value=2, **failure),
        trace("1,0", value=3),
        trace("1,0,4", value=4),
        trace("10", value=5),
        trace("1", transaction_hash=OTHER_HASH, value=6),
    ]

    assert moves(tmp_path, *rows) == [("trace:0", 1), ("trace:10", 5), ("trace:1", 6)]


def test_a_failed_transaction_moves_nothing(tmp_path: Path) -> None:
    assert moves(tmp_path, trace(status=0), trace("0"), trace("0,0")) == []


def test_rewards_genesis_and_the_fork_are_named_by_their_block(tmp_path: Path) -> None:
    nobody: dict[str, object] = {"transaction_hash": "", "call_type": "", "trace_address": ""}
    found = made(
        evm_tables.trace_moves,
        tmp_path,
        trace(trace_type="genesis", trace_id="genesis_0_68", block_number=0, from_address="")
        | nobody,
        trace(trace_type="reward", trace_id="reward_1000000_1", from_address="") | nobody,
        trace(trace_type="daofork", trace_id="daofork_1920000_7", block_number=1_920_000) | nobody,
    )

    assert [record.id for record in found if isinstance(record, Transfer)] == [
        "eip155:1:block:0:genesis:68",
        "eip155:1:block:1000000:reward:1",
        "eip155:1:block:1920000:daofork:7",
    ]
    assert [record.sender for record in found if isinstance(record, Transfer)] == [
        None,
        None,
        account(ALICE),
    ]
    assert all(record.transaction is None for record in found if isinstance(record, Transfer))


def test_graphsense_tells_type_and_place_by_the_traces_id(tmp_path: Path) -> None:
    row = {
        "blockId": 15_000_000,
        "traceId": f"call_{HASH}_0_12",
        "fromAddress": ALICE,
        "toAddress": BOB,
        "value": "199e17",
        "status": 1,
        "callType": "call",
        "txHash": HASH,
    }

    assert moves(tmp_path, row) == [("trace:0.12", 199 * 10**17)]
    assert moves(tmp_path, row | {"traceId": f"call_{HASH}_"}) == [("native", 199 * 10**17)]


def test_a_trace_without_transaction_is_left_out(tmp_path: Path) -> None:
    found = made(evm_tables.trace_moves, tmp_path, trace("0", transaction_hash=""))

    assert "no transaction hash" in only_reason(found)


def test_a_trace_needs_both_ends_unless_it_has_nothing_to_say(tmp_path: Path) -> None:
    for missing in ({"from_address": ""}, {"to_address": ""}):
        found = made(evm_tables.trace_moves, tmp_path, trace("0", **missing))
        assert "no EVM address" in only_reason(found)

    silent = trace("0", trace_type="suicide", from_address="", to_address="", value="")
    assert made(evm_tables.trace_moves, tmp_path, silent) == []


def test_trace_addresses_may_be_lists(tmp_path: Path) -> None:
    row = trace("0", trace_address=[0, 3, 1])

    found = records(evm_tables.trace_moves, lines_file(tmp_path / "t.json", [row]))

    assert [record.position for record in found if isinstance(record, Transfer)] == ["trace:0.3.1"]


def test_a_contract_is_a_token_where_it_is_an_erc_20(tmp_path: Path) -> None:
    found = made(
        evm_tables.contracts,
        tmp_path,
        {"address": TOKEN, "bytecode": "0x", "is_erc20": True, "is_erc721": False},
        {"address": BOB, "bytecode": "0x", "is_erc20": False, "is_erc721": True},
    )

    assert [type(record) for record in found] == [WalletFact, Token, WalletFact]


def test_tokens_keep_unicode_and_lose_padding(tmp_path: Path) -> None:
    row = {
        "address": TOKEN,
        "symbol": "₿🚀\x00\x00",
        "name": "",
        "decimals": "18.0",
        "total_supply": 2**200,
    }

    [record] = records(evm_tables.tokens, lines_file(tmp_path / "t.json", [row]))

    assert isinstance(record, Token)
    assert (record.symbol, record.name, record.decimals) == ("₿🚀", None, 18)
    assert record.total_supply_raw == 2**200


def test_impossible_decimals_are_refused(tmp_path: Path) -> None:
    row = {"address": TOKEN, "symbol": "X", "name": "X", "decimals": 256, "total_supply": ""}

    assert "0 to 255" in only_reason(made(evm_tables.tokens, tmp_path, row))


def test_all_records_of_a_row_carry_its_number(tmp_path: Path) -> None:
    rows = [trace("0", trace_type="create", call_type=""), trace("1", value=0), trace("2")]

    found = entries(evm_tables.trace_moves, csv_file(tmp_path / "t.csv", rows), ETHEREUM)

    assert [entry.row for entry in found] == [1, 1, 3]
