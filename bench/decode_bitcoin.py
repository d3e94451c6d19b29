"""Recorded answers of Bitcoin nodes, as bitcoin-etl's tests keep them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bench.decode import Decoded
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import GraphApiError
from ingest.sources.bitcoin.answers import BlockAnswer, plain_block, plain_transaction
from ingest.sources.bitcoin.blocks import block_facts
from ingest.sources.bitcoin.serialized import Coin, Point

BITCOIN: Final = chain_of("bitcoin")
_PREFIX: Final = "rpc_response_"


class _Serialized(msgspec.Struct):
    txid: str
    hex: str


def decode(data: Path) -> list[Decoded]:
    """Every folder of recorded answers, in the order of their names."""
    folders = sorted({file.parent for file in data.rglob(f"{_PREFIX}*.json")})
    return [_of_folder(folder, folder.relative_to(data).as_posix()) for folder in folders]


def _of_folder(folder: Path, name: str) -> Decoded:
    found = Decoded(folder=name)
    coins = _coins(folder)
    for file in sorted(folder.glob(f"{_PREFIX}*.json")):
        found.answers += 1
        try:
            found.records.update(_names(file, coins))
        except (GraphApiError, msgspec.DecodeError) as error:
            found.left.append(f"{file.name}: {error}")
    return found


def _names(file: Path, coins: Mapping[Point, Coin]) -> Iterator[str]:
    """The kinds of what one answer says. Raises: GraphApiError, msgspec.DecodeError."""
    method = file.name.removeprefix(_PREFIX).partition("_")[0].removesuffix(".json")
    match method:
        case "getblock":
            answer = msgspec.json.decode(file.read_bytes(), type=BlockAnswer)
            block = plain_block(answer)
            facts = block_facts(block, BITCOIN, number=answer.height, elsewhere=coins)
            yield from (type(record).__name__ for record in facts.records)
        case "getrawtransaction":
            told = msgspec.json.decode(file.read_bytes(), type=_Serialized)
            if plain_transaction(told.hex).txid != told.txid:
                raise msgspec.ValidationError("It hashes to another txid.")
            yield "coins of a transaction"
        case _:
            msgspec.json.decode(file.read_bytes(), type=str | int)
            yield "answer of one value"


def _coins(folder: Path) -> dict[Point, Coin]:
    """What the recorded look-ups of transactions say that they made."""
    found = {}
    for file in folder.glob(f"{_PREFIX}getrawtransaction_*.json"):
        told = msgspec.json.decode(file.read_bytes(), type=_Serialized)
        for number, coin in enumerate(plain_transaction(told.hex).outputs):
            found[Point(told.txid, number)] = coin
    return found
