"""The scalars: chain ids and exact numbers, read in any usual form and written in one.

A refusal is one sentence that says what was wrong and what to write instead.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, NewType

import orjson
import strawberry
from strawberry.types.scalar import ScalarDefinition

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, TokenId, parse_account, parse_token

TransactionHash = NewType("TransactionHash", str)
BigInt = NewType("BigInt", int)

_BIG: Final = re.compile(r"[+-]?\d{1,100}")
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}|[0-9a-fA-F]{64}(@\d+)?|[1-9A-HJ-NP-Za-km-z]{80,90}")
_CAIP: Final = "https://chainagnostic.org/CAIPs/caip-"


def _text(what: str, example: str, parse: Callable[[str], Any]) -> Callable[[object], Any]:
    def read(value: object) -> Any:
        if not isinstance(value, str):
            raise BadInput(f"{what} is text, such as {example!r}.")
        return parse(value)

    return read


def read_big_int(value: object) -> BigInt:
    """Digits as text, or a JSON integer. Raises: BadInput."""
    if isinstance(value, int) and not isinstance(value, bool):
        return BigInt(value)
    if isinstance(value, str) and _BIG.fullmatch(value.strip()):
        return BigInt(int(value))
    raise BadInput("A BigInt is a whole number written in digits, such as '1000000000000000000'.")


def big_int(digits: str | None) -> BigInt | None:
    """The number that the graph keeps as decimal text."""
    return None if digits is None else BigInt(int(digits))


def read_moment(value: str) -> datetime:
    """ISO 8601 with a zone, as UTC. Raises: BadInput."""
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise BadInput(
            f"{value[:40]!r} is no moment; write it as '2024-05-01T12:00:00Z'."
        ) from None
    if moment.tzinfo is None:
        raise BadInput(f"{value[:40]!r} has no zone; end it with Z for UTC, or with +02:00.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BadInput(f"{value[:40]!r} is out of range.") from None


@lru_cache(maxsize=4_096)  # rows of one block have one time
def written_moment(moment: datetime) -> str:
    """ISO 8601 in UTC with a Z; milliseconds only where there are any."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    # Quoted; three times as fast as isoformat, which asks the zone.
    text = orjson.dumps(moment, option=orjson.OPT_UTC_Z)
    return f"{text[1:24].decode()}Z" if moment.microsecond else text[1:21].decode()


def read_decimal(value: object) -> Decimal:
    """A decimal number as text, or a JSON number. Raises: BadInput."""
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            number = Decimal(str(value).strip())
            if number.is_finite() and abs(number.adjusted()) <= 200:
                return number
    except InvalidOperation:
        pass
    raise BadInput("A Decimal is a number such as '18.67'.")


def _hash(text: str) -> TransactionHash:
    bare = text.strip()
    if not _HASH.fullmatch(bare):
        raise BadInput(
            f"{text[:80]!r} is no transaction hash; it has 64 hex digits (0x before them on EVM "
            "chains), or is a Solana signature."
        )
    return TransactionHash(bare)


def _chain(text: str) -> ChainId:
    return ChainId(chain_of(text).id)


SCALARS: Final[dict[object, ScalarDefinition]] = {
    AccountId: strawberry.scalar(
        name="AccountId",
        description=(
            "A CAIP-10 account: chain and address, `eip155:1:0xd8da…6045`. Read with a chain's "
            "slug and any letter case too (`ethereum:0xd8dA…6045`; mixed case must carry its "
            "EIP-55 checksum)."
        ),
        specified_by_url=_CAIP + "10",
        serialize=str,
        parse_value=_text("An AccountId", "ethereum:0x…", parse_account),
    ),
    ChainId: strawberry.scalar(
        name="ChainId",
        description="A CAIP-2 chain, `eip155:1`. Read as a slug too: `ethereum`, `bitcoin`.",
        specified_by_url=_CAIP + "2",
        serialize=str,
        parse_value=_text("A ChainId", "ethereum", _chain),
    ),
    TokenId: strawberry.scalar(
        name="TokenId",
        description=(
            "A CAIP-19 token: `eip155:1/erc20:0xdac1…1ec7`, or `eip155:1/slip44:60` for a chain's "
            "own coin. Read as `ethereum:0xdac1…1ec7` and `ethereum` too."
        ),
        specified_by_url=_CAIP + "19",
        serialize=str,
        parse_value=_text("A TokenId", "ethereum:0x…", parse_token),
    ),
    TransactionHash: strawberry.scalar(
        name="TransactionHash",
        description="A transaction's hash as its chain writes it; hex is read in any letter case.",
        serialize=str,
        parse_value=_text("A TransactionHash", "0x…", _hash),
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description='A whole number of any size, written as decimal text: `"18670000000000"`.',
        serialize=str,
        parse_value=read_big_int,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, ISO 8601: `2024-05-01T12:00:00Z`. Read with any zone.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=written_moment,
        parse_value=_text("A DateTime", "2024-05-01T12:00:00Z", read_moment),
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as text: `"18.67"`.',
        serialize=lambda number: f"{number:f}",
        parse_value=read_decimal,
    ),
}
