"""Token lists of the Uniswap standard: one JSON object, tokens with chain, symbol and decimals.

Source: tokenlists.org (schema of @uniswap/token-lists). Its Solana relatives call that chain 101.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from graph_api.domain.addresses import normal_address
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, token_id
from graph_api.domain.labels import plain
from graph_api.domain.records import Record, Token, WalletFact, WalletKind
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import reading, reject
from ingest.sources.files.labels.entries import shown
from ingest.sources.files.labels.facts import known_chain

_SOLANA: Final = 101
_MAX_DECIMALS: Final = 255


class _TokenList(msgspec.Struct):
    name: str
    tokens: list[msgspec.Raw]


def recognises(columns: frozenset[str], name: str) -> bool:
    """By the two members that every list has."""
    return {"name", "tokens"} <= columns


def read(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Each token with its decimals, and that its address is a contract."""
    number = 0
    for path in dataset.paths:
        for raw in _tokens(path):
            number += 1
            said = None
            try:
                said = msgspec.json.decode(raw)
                for record in _records(said):
                    yield Entry(number, record)
            except BadInput as error:
                yield Entry(number, reject(path, number, str(error), shown(said)))


def _tokens(path: Path) -> list[msgspec.Raw]:
    with reading(path) as text:
        whole = text.read()
    try:
        return msgspec.json.decode(whole, type=_TokenList).tokens
    except msgspec.DecodeError as error:
        raise BadInput(f"{path} is no token list: {error}.") from None


def _records(said: Any) -> Iterator[Record]:
    if not isinstance(said, dict):
        raise BadInput("The token is no object.")
    number, address, decimals = said.get("chainId"), said.get("address"), said.get("decimals")
    if not isinstance(address, str) or type(number) is not int:
        raise BadInput("The token lacks its chainId or address.")
    if type(decimals) is not int or not 0 <= decimals <= _MAX_DECIMALS:
        raise BadInput(f"Decimals {str(decimals)[:20]!r} are no whole number of 0 to 255.")
    chain = chain_of("solana") if number == _SOLANA else known_chain(str(number))
    normal = normal_address(chain, address)
    yield Token(
        id=token_id(chain, normal),
        chain=ChainId(chain.id),
        address=normal,
        symbol=plain(str(said.get("symbol") or "")) or None,
        name=plain(str(said.get("name") or "")) or None,
        decimals=decimals,
    )
    if chain.family is Family.EVM:
        yield WalletFact(id=AccountId(f"{chain.id}:{normal}"), kind=WalletKind.CONTRACT)


FORMAT: Final = FileFormat(
    name="token-list",
    about="Token list of the Uniswap standard: symbols and decimals (JSON).",
    columns='{"name": "…", "tokens": [{"chainId", "address", "symbol", "name", "decimals"}]}',
    order=5,
    recognises=recognises,
    read=read,
)
