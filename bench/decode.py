"""Recorded answers of nodes, decoded: how many there are, what they say, what is left and why.

``python -m bench decode [--data FOLDER] [CHAIN …]`` reads the folders ``evm_rpc``, ``solana_rpc``
and ``bitcoin_rpc`` of ``DESKGRAPH_DATA``.
"""

import argparse
import os
from collections import Counter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from bench.output import Table

#: Each has a module ``bench.decode_NAME`` with ``decode(folder)``, a list of ``Decoded``.
PARTS: Final = {"evm": "evm_rpc", "solana": "solana_rpc", "bitcoin": "bitcoin_rpc"}


class Decoded(msgspec.Struct, kw_only=True):
    """What the answers of one folder say; ``left`` is what could not be decoded, and why."""

    folder: str
    answers: int = 0
    records: Counter[str] = msgspec.field(default_factory=Counter)
    rejects: Counter[str] = msgspec.field(default_factory=Counter)
    left: list[str] = msgspec.field(default_factory=list)


def main(arguments: list[str]) -> None:
    """Decode and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench decode", description=__doc__)
    parser.add_argument("chains", nargs="*", metavar="CHAIN", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--data", type=Path, default=os.environ.get("DESKGRAPH_DATA"))
    chosen = parser.parse_args(arguments)
    if chosen.data is None:
        parser.error("--data or DESKGRAPH_DATA must name a folder of recorded answers.")
    table = Table("folder", "answers", "records", "rejects", "left")
    left = 0
    for part in chosen.chains or PARTS:
        if find_spec(f"bench.decode_{part}") is None:
            continue
        for found in import_module(f"bench.decode_{part}").decode(chosen.data / PARTS[part]):
            left += len(found.left)
            table.row(
                found.folder,
                found.answers,
                _told(found.records),
                _told(found.rejects) or "0",
                "; ".join(found.left) or "0",
            )
    print(f"\n{left} answers could not be decoded.")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
