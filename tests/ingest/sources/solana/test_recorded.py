"""Pieces recorded from Solana's mainnet: what moved, which swaps, which instructions."""

import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from bench.decode_solana import _keys, _Meta, _outer, decode
from ingest.sources.solana.answers import executed
from ingest.sources.solana.books import Books

ROOT = os.environ.get("DESKGRAPH_DATA")
DATA = Path(ROOT or ".") / "solana_rpc"
pytestmark = pytest.mark.skipif(
    ROOT is None, reason="DESKGRAPH_DATA names no folder of recorded answers; these tests read it"
)
SPL = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


def books(name: str) -> Books:
    meta = msgspec.json.decode((DATA / f"core/{name}.json").read_bytes(), type=_Meta)
    found = Books(executed("", 0, keys=_keys(meta), outer=_outer(meta), meta=meta, failed=False))
    found.close()
    return found


def test_every_piece_is_decoded() -> None:
    found = {one.folder: one for one in decode(DATA)}

    assert {name: (one.answers, one.records, one.left) for name, one in found.items()} == {
        "core": (
            3,
            Counter({"transfer": 6, "transfer, an end of which was not recorded": 5, "Swap": 2}),
            [],
        ),
        "meteora-dlmm-decoder": (
            48,
            Counter({"instruction": 44, "Swapped": 5, "state of a program (LBUZ…)": 4}),
            [],
        ),
        "raydium-clmm-decoder": (
            26,
            Counter({"instruction": 21, "Swapped": 2, "state of a program (CAMM…)": 5}),
            [],
        ),
    }


def test_a_swap_within_a_swap_is_the_pools_own() -> None:
    found = books("cpi_tx")

    paid, got = (
        "AFbX8oGjGpmVFywbVouvhQSRmiW2aR1mohfahi4Y2AdB",
        ("7i5KKsX2weiTkry7jA4ZwSuXGhs5eJBEjY8vVxR4pfRx"),
    )
    user, pool = (
        "7Z2QzVa3q7r7m84nuez9eRn2u3oCUeg9D1bzdRvNFdxN",
        ("BMCheVSdKZ6rxsoJ1MChA5HQRtk5pz4QkCLs7MXFkvZJ"),
    )
    # The program's own log says: amount_in, amount_out, commission_amount.
    assert [(m.position, m.mint, m.source, m.destination, m.amount_raw) for m in found.moves] == [
        ("ix:3.2", paid, user, pool, 9_372_599_925_000),
        ("ix:3.3", got, pool, user, 1_700_985_700_449),
        ("ix:3.5", paid, user, "8psNvWTrdNTiVRNzAgsou9kETXNJm2SXZyaKuJraVRtf", 80_350_075_000),
    ]
    [swap] = found.swaps()
    assert (swap.position, swap.protocol, swap.pool) == ("ix:3.1", "meteora_dlmm", pool)
    assert sorted(swap.amounts) == [-1_700_985_700_449, 9_372_599_925_000]


@pytest.mark.parametrize(
    ("name", "settled"),
    [("simple_tx", 10_000), ("nested_cpi_tx", 8_781_442), ("cpi_tx", None)],
)
def test_what_was_not_recorded_is_settled_from_the_balances(name: str, settled: int | None) -> None:
    moves = [move for move in books(name).moves if move.position.startswith("trace")]

    assert [(move.mint, move.amount_raw, move.derived) for move in moves] == (
        [(None, settled, False)] if settled else []
    )
