"""Recorded pieces of Solana: results of transactions, instructions and accounts of DEX programs.

The results were recorded without their transactions: neither a signature nor most addresses are
there. The programs stand in the log, the owners of token accounts in the balances, so what moved is
told as far as both ends are known; what is settled from balances has an end that nobody recorded.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from bench.decode import Decoded
from graph_api.domain.errors import GraphApiError
from ingest.sources.solana.answers import InstructionAnswer, MetaAnswer, executed
from ingest.sources.solana.books import Books
from ingest.sources.solana.instructions import effects
from ingest.sources.solana.pools import discriminator
from ingest.sources.solana.programs import TOKEN

_INVOKED: Final = re.compile(r"Program (\w+) invoke \[(\d+)\]")
_UNKNOWN: Final = "account:"


class _Meta(MetaAnswer, rename="camel"):
    log_messages: list[str] = msgspec.field(default_factory=list)


class _Account(msgspec.Struct):
    pubkey: str


class _Instruction(msgspec.Struct):
    accounts: list[_Account]
    data: str
    program_id: str


class _State(msgspec.Struct):
    data: str
    owner: str
    space: int


def decode(data: Path) -> list[Decoded]:
    """Every folder of recorded pieces, in the order of their names."""
    return [_of_folder(folder) for folder in sorted(data.iterdir()) if folder.is_dir()]


def _of_folder(folder: Path) -> Decoded:
    found = Decoded(folder=folder.name)
    for file in sorted(folder.glob("*.json")):
        found.answers += 1
        try:
            for name in _names(file):
                found.records[name] += 1
        except (GraphApiError, msgspec.DecodeError) as error:
            found.left.append(f"{file.name}: {error}")
    return found


def _names(file: Path) -> Iterator[str]:
    """The kinds of what one piece says. Raises: GraphApiError, msgspec.DecodeError."""
    content = file.read_bytes()
    if file.stem.endswith("_account"):
        yield f"state of a program ({msgspec.json.decode(content, type=_State).owner[:4]}…)"
    elif file.stem.endswith("_ix"):
        told = msgspec.json.decode(content, type=_Instruction)
        yield from instruction(told, name=file.stem.removesuffix("_ix"))
    else:
        yield from moves(msgspec.json.decode(content, type=_Meta))


def instruction(told: _Instruction, *, name: str) -> Iterator[str]:
    """What an instruction of a DEX program is: its name, and whether a pool swaps."""
    data = bytes.fromhex(told.data)
    if data[:8] != discriminator(name):
        raise msgspec.ValidationError(f"Its first bytes are not those of {name}.")
    yield "instruction"
    for effect in effects(told.program_id, [one.pubkey for one in told.accounts], data):
        yield type(effect).__name__


def moves(meta: _Meta) -> Iterator[str]:
    """What a transaction's result says that moved."""
    keys = _keys(meta)
    books = Books(
        executed("", None, keys=keys, outer=_outer(meta), meta=meta, failed=meta.err is not None)
    )
    books.close()
    for move in books.moves:
        ends = (move.source, move.destination)
        unknown = any(end is not None and end.startswith(_UNKNOWN) for end in ends)
        yield "transfer, an end of which was not recorded" if unknown else "transfer"
    yield from ("Swap" for _ in books.swaps())


def _keys(meta: _Meta) -> list[str]:
    """The accounts: those loaded are told, of the others only programs and mints can be."""
    loaded = meta.loaded_addresses or {}
    known = [*loaded.get("writable", ()), *loaded.get("readonly", ())]
    keys = [f"{_UNKNOWN}{n}" for n in range(len(meta.pre_balances) - len(known))] + known
    mints = {one.account_index: one.mint for one in meta.pre_token_balances or ()}
    for program, called in _called(meta):
        keys[called.program_id_index or 0] = program
        # A checked transfer names its source and then the mint.
        if program == TOKEN and called.accounts[0] in mints and len(called.accounts) == 4:
            source, mint = map(int, called.accounts[:2])
            keys[mint] = mints[source]
    return keys


def _called(meta: _Meta) -> Iterator[tuple[str, InstructionAnswer]]:
    """The recorded calls with their programs, which the log names in the order of the calls."""
    groups: list[list[str]] = []
    for line in meta.log_messages:
        if found := _INVOKED.match(line):
            if found[2] == "1":
                groups.append([])
            else:
                groups[-1].append(found[1])
    for group in meta.inner_instructions or ():
        yield from zip(groups[group.index], group.instructions, strict=True)


def _outer(meta: _Meta) -> list[InstructionAnswer]:
    """As many instructions as there were; what they said was not recorded."""
    count = max((group.index for group in meta.inner_instructions or ()), default=-1) + 1
    return [InstructionAnswer(program_id=_UNKNOWN) for _ in range(count)]
