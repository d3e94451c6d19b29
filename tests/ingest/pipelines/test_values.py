"""Values at the edge, from the file to the graph: amounts, letter case, names of any script."""

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from graph_api.domain.amounts import MAX_RAW
from graph_api.store.graph import Graph
from tests.given import address, hash_of
from tests.ingest.export import Row, csv_file
from tests.ingest.loading import loaded

ALICE: Final = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BOB: Final = address("bob")
TOKEN: Final = address("token")


def transfer(number: int, **changes: object) -> Row:
    return {
        "token_address": TOKEN,
        "from_address": BOB,
        "to_address": address("carol"),
        "value": 1,
        "transaction_hash": hash_of(str(number)),
        "log_index": number,
        "block_number": 1,
    } | changes


async def rejects(graph: Graph, folder: Path, *rows: Row) -> list[str]:
    """The reasons of the rejects of a file with ``rows``."""
    (summary,) = await loaded(graph, csv_file(folder / "t.csv", rows), rejects=folder / "r")
    if summary.rejects_file is None:
        return []
    lines = read(Path(summary.rejects_file)).splitlines()
    return [msgspec.json.decode(line)["reason"] for line in lines]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def one(graph: Graph, statement: str) -> dict[str, Any]:
    (row,) = await graph.run_alone(statement)
    return row


@pytest.mark.parametrize(
    ("values", "total"),
    [
        (["18446744073709551616", "1"], 2**64 + 1),
        ([str(MAX_RAW), str(MAX_RAW)], 2 * MAX_RAW),
        (["0x" + "f" * 64, "1000000000000000000000"], MAX_RAW + 10**21),
        (["1e+30", "7.0"], 10**30 + 7),
        (["0", "00012"], 12),
    ],
)
async def test_sums_are_exact_at_any_size(
    graph: Graph, tmp_path: Path, values: list[str], total: int
) -> None:
    rows = [transfer(number, value=value) for number, value in enumerate(values)]

    assert await rejects(graph, tmp_path, *rows) == []

    flow = await one(graph, "MATCH (f:Flow) RETURN f.amount_raw AS sum")
    held = await graph.run_alone("MATCH (h:Holding) RETURN h.net_raw AS net ORDER BY h.rank_key")
    assert flow == {"sum": str(total)}
    assert [row["net"] for row in held] == [str(total), str(-total)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("-1", "is out of range"),
        (str(MAX_RAW + 1), "is out of range"),
        ("1e78", "is out of range"),
        ("9" * 400, "is out of range"),
        ("0.5", "is no whole number of base units"),
        ("1.2345678901234567e+18", "went through a float"),
        ("NaN", "is out of range"),
        ("Infinity", "is out of range"),
        ("", "is no amount"),
        ("ten", "is no amount"),
        ("0xzz", "is out of range"),
    ],
)
async def test_what_is_no_amount_is_left_out_with_a_reason(
    graph: Graph, tmp_path: Path, value: str, reason: str
) -> None:
    (told,) = await rejects(graph, tmp_path, transfer(0, value=value), transfer(1, value="5"))

    assert reason in told
    flow = await one(graph, "MATCH (f:Flow) RETURN f.amount_raw AS sum, f.transfers AS n")
    assert flow == {"sum": "5", "n": 1}


async def test_letter_case_is_one_wallet_and_a_wrong_checksum_none(
    graph: Graph, tmp_path: Path
) -> None:
    spellings = (ALICE, ALICE.lower(), "0x" + ALICE[2:].upper(), f" {ALICE} ")
    rows = [transfer(number, to_address=text) for number, text in enumerate(spellings)]
    rows.append(transfer(9, to_address=ALICE.replace("BeA", "bEa")))

    (told,) = await rejects(graph, tmp_path, *rows)

    assert "has a wrong EIP-55 checksum" in told
    flow = await one(graph, "MATCH (f:Flow) RETURN f.recipient AS to, f.transfers AS n")
    assert flow == {"to": f"eip155:1:{ALICE.lower()}", "n": 4}


@pytest.mark.parametrize(
    "symbol",
    ["🦄", "مرحبا", "\u202eDSU", "Ξ‿Ξ", "é", "a\u0301", "'; DROP", "$x {y}", "\\", "‱" * 60],
)
async def test_symbols_of_any_script_stay_as_they_are(
    graph: Graph, tmp_path: Path, symbol: str
) -> None:
    row: Row = {
        "address": TOKEN,
        "symbol": symbol,
        "name": symbol * 2,
        "decimals": 18,
        "total_supply": MAX_RAW,
    }
    await loaded(graph, csv_file(tmp_path / "tokens.csv", [row]), rejects=tmp_path / "r")

    token = await one(
        graph,
        "MATCH (t:Token) RETURN t.symbol AS symbol, t.name AS name, t.total_supply_raw AS supply",
    )
    assert token == {"symbol": symbol, "name": symbol * 2, "supply": str(MAX_RAW)}


async def test_nuls_that_fill_a_symbol_up_are_no_part_of_it(graph: Graph, tmp_path: Path) -> None:
    row: Row = {
        "address": TOKEN,
        "symbol": "MKR" + "\x00" * 29,
        "name": "\x00" * 32,
        "decimals": 18,
        "total_supply": 1,
    }
    await loaded(graph, csv_file(tmp_path / "tokens.csv", [row]), rejects=tmp_path / "r")

    token = await one(graph, "MATCH (t:Token) RETURN t.symbol AS symbol, t.name AS name")
    assert token == {"symbol": "MKR", "name": None}


async def test_a_nul_inside_an_address_is_no_address(graph: Graph, tmp_path: Path) -> None:
    bad = transfer(0, to_address=BOB[:20] + "\x00" + BOB[21:])

    (told,) = await rejects(graph, tmp_path, bad, transfer(1))

    assert "is no EVM address" in told
