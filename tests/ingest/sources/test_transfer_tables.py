"""Plain tables of transfers: columns, chains, tokens, amounts and identity."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Reject, Token, Transfer
from ingest.sources.files.format import Options
from ingest.sources.files.inputs import content_digest
from ingest.sources.files.transfer_tables import transfers, unit_transfers
from tests.ingest.sources.tables import (
    ALICE,
    BOB,
    CAROL,
    ETHEREUM,
    HASH,
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

TETHER = "0xdac17f958d2ee523a2206206994597c13d831ec7"
NATIVE = "eip155:1/slip44:60"
NAMED = Options(chains=ETHEREUM.chains, dataset="mine")


def transfer(folder: Path, options: Options = NAMED, **said: object) -> Transfer:
    found = made(transfers, folder, {"from": ALICE, "to": BOB} | said, options=options)
    assert isinstance(found[-1], Transfer), found
    return found[-1]


def tokens(found: list[Record | Reject]) -> list[Token]:
    return [record for record in found if isinstance(record, Token)]


def test_two_columns_are_enough_and_the_rest_is_unknown(tmp_path: Path) -> None:
    record = transfer(tmp_path)

    assert (record.sender, record.recipient) == (account(ALICE), account(BOB))
    assert record.id == "file:mine:1"
    assert (record.transaction, record.token, record.amount_raw, record.amount) == (None,) * 4
    assert (record.block_number, record.block_time) == (None, None)


@pytest.mark.parametrize("write", [csv_file, lines_file, parquet_file])
@pytest.mark.parametrize(
    ("sender", "recipient"),
    [("from", "to"), ("From_Address", "to_address"), ("sender", "receiver"), ("src", "dst")],
)
def test_usual_names_are_found_in_every_kind_of_file(
    tmp_path: Path, write: Callable[[Path, Table], Path], sender: str, recipient: str
) -> None:
    path = write(tmp_path / "file", [{sender: ALICE, recipient: BOB}])

    [record] = records(transfers, path, NAMED)

    assert isinstance(record, Transfer)
    assert (record.sender, record.recipient) == (account(ALICE), account(BOB))


def test_a_mapping_names_any_column(tmp_path: Path) -> None:
    row = {"Payer": ALICE, "to": CAROL, "Payee": BOB, "When": "2017-03-06T03:00:00Z", "Wei": 10**19}
    mapping = {"from": "Payer", "to": "Payee", "time": "When", "value": "Wei"}
    options = Options(chains=ETHEREUM.chains, columns=mapping)

    [record] = made(transfers, tmp_path, row | {"kind": "native"}, options=options)

    assert isinstance(record, Transfer)
    assert (record.sender, record.recipient) == (account(ALICE), account(BOB))
    assert (record.block_time, record.amount_raw) == (1_488_769_200_000, 10**19)
    assert (record.token, record.amount) == (NATIVE, 10.0)


def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    row = {"from": ALICE, "to": BOB}

    for columns, said in (
        ({"form": "from"}, "--map knows no column 'form'; use from, to, value"),
        ({"value": "amount_wei"}, "no column amount_wei; it has from, to"),
    ):
        with pytest.raises(BadInput, match=said):
            made(transfers, tmp_path, row, options=Options(chains=NAMED.chains, columns=columns))


def test_a_mapped_column_serves_only_what_it_is_mapped_to(tmp_path: Path) -> None:
    options = Options(chains=ETHEREUM.chains, columns={"value_units": "value"}, decimals=2)

    [record] = made(
        transfers, tmp_path, {"from": ALICE, "to": BOB, "value": "1.5"}, options=options
    )

    assert isinstance(record, Transfer)
    assert (record.amount_raw, record.amount) == (150, 1.5)


def test_a_row_may_name_its_chain(tmp_path: Path) -> None:
    rows = [{"from": ALICE, "to": BOB, "chain": name} for name in ("polygon", "xdai", "137")]

    found = made(transfers, tmp_path, *rows, options=Options(dataset="mine"))

    assert [record.chain for record in found if isinstance(record, Transfer)] == [
        "eip155:137",
        "eip155:100",
        "eip155:137",
    ]


def test_the_chains_column_may_be_mapped(tmp_path: Path) -> None:
    row = {"from": ALICE, "to": BOB, "Where": "polygon"}

    [record] = made(transfers, tmp_path, row, options=Options(columns={"chain": "Where"}))

    assert isinstance(record, Transfer)
    assert record.chain == "eip155:137"


def test_rows_of_other_chains_than_asked_for_are_left_out(tmp_path: Path) -> None:
    rows = [{"from": ALICE, "to": BOB, "chain": name} for name in ("polygon", "gnosis", "tron")]
    options = Options(chains=(chain_of("gnosis"),))

    wrong, right, unknown = made(transfers, tmp_path, *rows, options=options)

    assert isinstance(right, Transfer)
    assert only_reason([wrong]) == "Wrong chain: the row is of polygon, asked for is gnosis."
    assert "Unknown chain 'tron'" in only_reason([unknown])


def test_a_table_without_chains_needs_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="add one --chain"):
        made(transfers, tmp_path, {"from": ALICE, "to": BOB}, options=Options())


@pytest.mark.parametrize(
    ("said", "token"),
    [
        ({"kind": "native"}, NATIVE),
        ({"kind": "Internal"}, NATIVE),
        ({"kind": "erc20"}, None),
        ({"kind": "erc20", "token": TOKEN}, f"eip155:1/erc20:{TOKEN}"),
        ({"token": TOKEN}, f"eip155:1/erc20:{TOKEN}"),
        ({"token": f"eip155:1/erc20:{TOKEN}"}, f"eip155:1/erc20:{TOKEN}"),
        ({"token": "0x" + "0" * 40}, NATIVE),
        ({"token": "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE"}, NATIVE),
        ({"token": "ETH"}, NATIVE),
        ({"token": NATIVE}, NATIVE),
        ({}, None),
    ],
)
def test_the_token_is_what_the_row_says_of_it(
    tmp_path: Path, said: dict[str, Any], token: str | None
) -> None:
    assert transfer(tmp_path, **said).token == token


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"from": "0x12"}, "no EVM address"),
        ({"from": ""}, "no EVM address"),
        ({"to": "0x" + "aB" * 20}, "EIP-55"),
        ({"token": "WRONG"}, "no EVM address"),
        ({"token": f"eip155:56/erc20:{TOKEN}"}, "another chain"),
        ({"kind": "ERC721", "token": TOKEN}, "not an amount"),
        ({"hash": "0x12"}, "no transaction hash"),
        ({"value": "-5"}, "out of range"),
        ({"value": "18.67"}, "Whole units are read with --map value_units=<column>."),
        ({"value_units": "-5"}, "out of range"),
        ({"value_units": "lots"}, "no amount"),
        ({"value_units": "0.1234567", "token": TETHER}, "more than 6 decimal digits"),
        ({"time": "noon"}, "no moment"),
        ({"log_index": "x", "hash": HASH}, "no amount|whole number"),
    ],
)
def test_a_bad_row_says_why(tmp_path: Path, said: dict[str, object], reason: str) -> None:
    found = made(transfers, tmp_path, {"from": ALICE, "to": BOB} | said)

    assert any(part in only_reason(found) for part in reason.split("|"))


def test_the_hash_and_log_index_make_it_the_transfer_of_other_files(tmp_path: Path) -> None:
    logged = transfer(tmp_path, hash=HASH, log_index=7, token=TOKEN)
    own = transfer(tmp_path, hash=HASH, kind="native")
    inner = transfer(tmp_path, hash=HASH, kind="internal")
    placeless = transfer(tmp_path, hash=HASH, token=TOKEN)

    assert (logged.id, logged.position) == (f"eip155:1:{HASH}:log:7", "log:7")
    assert own.id == f"eip155:1:{HASH}:native"
    assert (inner.id, placeless.id) == ("file:mine:1", "file:mine:1")
    assert {record.transaction for record in (logged, own, inner, placeless)} == {
        f"eip155:1:{HASH}"
    }


def test_rows_without_a_hash_are_named_by_the_content(tmp_path: Path) -> None:
    plain = csv_file(tmp_path / "a.csv", [{"from": ALICE, "to": BOB}, {"from": BOB, "to": ALICE}])
    packed = tmp_path / "elsewhere.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    digest = content_digest(plain)

    ids = [record.id for record in records(transfers, plain) if isinstance(record, Transfer)]

    assert ids == [f"file:{digest}:1", f"file:{digest}:2"]
    assert records(transfers, packed) == records(transfers, plain)


@pytest.mark.parametrize(
    ("options", "said", "raw", "amount"),
    [
        (NAMED, {"value_units": "18.67", "token": TETHER}, 18_670_000, 18.67),
        (NAMED, {"value_units": "18.669999999999998", "token": TETHER}, 18_670_000, None),
        (NAMED, {"value_units": "1.5", "kind": "native"}, 15 * 10**17, 1.5),
        (NAMED, {"value_units": "1.5", "token": TOKEN}, None, 1.5),
        (NAMED, {"value_units": "1.5", "token": TOKEN, "decimals": 4}, 15_000, 1.5),
        (NAMED, {"value_units": "1234.5678901234567", "kind": "native"}, None, 1234.5678901234567),
        (NAMED, {"value": "18670000", "token": TETHER}, 18_670_000, 18.67),
        (NAMED, {"value": "15", "token": TOKEN}, 15, None),
        (Options(chains=NAMED.chains, decimals=3), {"value_units": "1.5"}, 1_500, 1.5),
        (
            Options(chains=NAMED.chains, known_decimals={f"eip155:1/erc20:{TOKEN}": 2}),
            {"value_units": "1.5", "token": TOKEN},
            150,
            1.5,
        ),
        (
            Options(chains=NAMED.chains, decimals=3),
            {"value_units": "1.5", "token": TETHER},
            1_500_000,
            1.5,
        ),
    ],
)
def test_amounts_are_exact_where_decimals_are_known(
    tmp_path: Path,
    options: Options,
    said: dict[str, Any],
    raw: int | None,
    amount: float | None,
) -> None:
    record = transfer(tmp_path, options, **said)

    assert record.amount_raw == raw
    if amount is not None:
        assert record.amount == amount


def test_a_token_is_said_once_with_what_amounts_were_scaled_by(tmp_path: Path) -> None:
    row = {"from": ALICE, "to": BOB, "value_units": "1", "token": TETHER, "symbol": "USDT"}

    found = made(transfers, tmp_path, row, row, row | {"token": TOKEN, "symbol": ""}, row)

    assert [(token.symbol, token.decimals) for token in tokens(found)] == [
        ("USDT", 6),
        (None, None),
    ]


def test_addresses_and_tokens_of_other_families_are_theirs(tmp_path: Path) -> None:
    mint = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    options = Options(chains=(chain_of("solana"),), dataset="mine")
    row = {"from": mint, "to": mint, "token": mint, "hash": "5" * 88, "log_index": 1}

    [record] = made(transfers, tmp_path, row, options=options)

    assert isinstance(record, Transfer)
    assert record.token == f"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:{mint}"
    assert record.id == "file:mine:1"


def test_value_of_the_unit_table_is_whole_tokens(tmp_path: Path) -> None:
    row = {
        "block_number": 14_669_683,
        "transaction_index": 7,
        "from_address": ALICE,
        "to_address": BOB,
        "time_stamp": 1_651_105_815,
        "contract_address": TETHER,
        "value": "9942.313005",
    }

    token, record = made(unit_transfers, tmp_path, row)

    assert isinstance(token, Token)
    assert isinstance(record, Transfer)
    assert (token.decimals, record.amount_raw) == (6, 9_942_313_005)
    assert (record.block_number, record.block_time) == (14_669_683, 1_651_105_815_000)


@given(
    table=st.lists(
        st.fixed_dictionaries(
            {"from": st.sampled_from([ALICE, BOB, "0x1", ""])},
            optional={
                "to": st.sampled_from([BOB, CAROL]),
                "value_units": st.sampled_from(["1", "1.5", "x", ""]),
                "token": st.sampled_from([TETHER, TOKEN, ""]),
                "symbol": st.sampled_from(["A", "B"]),
            },
        ),
        min_size=1,
        max_size=20,
    ),
    after=st.integers(0, 20),
)
def test_reading_again_gives_the_same_numbered_entries_and_the_same_tail(
    tmp_path_factory: pytest.TempPathFactory, table: list[dict[str, object]], after: int
) -> None:
    rows = [{"to": BOB, "value_units": "", "token": "", "symbol": ""} | row for row in table]
    path = csv_file(tmp_path_factory.mktemp("again") / "t.csv", rows)

    first, second = entries(transfers, path), entries(transfers, path)

    numbers = [entry.row for entry in first]
    assert first == second
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, len(table) + 1))
    assert [entry for entry in second if entry.row > after] == [
        entry for entry in first if entry.row > after
    ]
