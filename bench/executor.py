"""Both executors on a page of records that are in memory already: what execution alone costs.

Every round asks the same document of both, one after the other, so that a busy machine slows both.
Prints milliseconds of CPU per request and how many times less the compiled one takes.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import strawberry
from strawberry.schema.config import StrawberryConfig

from bench.output import Table, write_json
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.pages import Page, Slice
from graph_api.schema.checks import check
from graph_api.schema.context import Context
from graph_api.schema.guarded import ExecutorName, GuardedSchema
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import SCALARS, BigInt
from graph_api.schema.steps import batched, root

NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
ROWS: Final = 1_000
TOKENS: Final = 20


class Memory:
    """A store that has everything at hand."""

    def __init__(self) -> None:
        self.tokens = {
            TokenId(f"eip155:1/erc20:{number:#042x}"): TokenRow(
                id=TokenId(f"eip155:1/erc20:{number:#042x}"), symbol=f"T{number}", decimals=18
            )
            for number in range(TOKENS)
        }
        self.rows = [_row(number, list(self.tokens)) for number in range(ROWS)]


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    id: TokenId
    symbol: str
    decimals: int


class TransferRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    sender: AccountId
    recipient: AccountId
    token: TokenId
    amount_raw: int
    amount: float
    usd: float | None
    block_number: int
    block_time: datetime
    position: str


async def tokens_by_ids(memory: Memory, ids: list[TokenId]) -> dict[TokenId, TokenRow]:
    """Tokens."""
    return {one: memory.tokens[one] for one in ids}


async def newest(memory: Memory, *, page: Page) -> Slice[TransferRow]:
    """A page of transfers."""
    rows = memory.rows[: page.size]
    return Slice(rows=rows, places=[row.id for row in rows], total=len(memory.rows))


@strawberry.type(description="A token.")
class Token:
    token_id: TokenId = strawberry.field(description="CAIP-19.")
    symbol: str = strawberry.field(description="Symbol.")
    decimals: int = strawberry.field(description="Digits after the point.")

    @classmethod
    def of(cls, row: TokenRow) -> "Token":
        """The token of a row."""
        return cls(token_id=row.id, symbol=row.symbol, decimals=row.decimals)


@strawberry.type(description="A transfer.")
class Transfer:
    transfer_id: str = strawberry.field(description="Its id.")
    sender_id: AccountId = strawberry.field(description="From.")
    recipient_id: AccountId = strawberry.field(description="To.")
    token_id: TokenId = strawberry.field(description="Of what.")
    amount_raw: BigInt = strawberry.field(description="In base units.")
    amount: float = strawberry.field(description="In whole units.")
    usd: float | None = strawberry.field(description="In US dollars.")
    block_number: int = strawberry.field(description="Its block.")
    block_time: datetime = strawberry.field(description="When.")
    position: str = strawberry.field(description="Where in its transaction.")

    token: Token = batched(tokens_by_ids, key="token_id", of=Token.of, description="Of what.")

    @classmethod
    def of(cls, row: TransferRow) -> "Transfer":
        """The transfer of a row."""
        return cls(
            transfer_id=row.id,
            sender_id=row.sender,
            recipient_id=row.recipient,
            token_id=row.token,
            amount_raw=BigInt(row.amount_raw),
            amount=row.amount,
            usd=row.usd,
            block_number=row.block_number,
            block_time=row.block_time,
            position=row.position,
        )


def _token_key(id: TokenId) -> TokenId:
    return id


@strawberry.type(description="All.")
class Query:
    transfers: Connection[Transfer] = root(
        newest,
        of=Transfer.of,
        order="newest",
        paging=Paging(ceiling=ROWS),
        description="The newest transfers.",
    )
    token: Token | None = root(
        tokens_by_ids,
        key=_token_key,
        of=Token.of,
        arguments={"id": "Its id."},
        description="One token.",
    )


SCALAR_FIELDS: Final = (
    "transferId senderId recipientId tokenId amountRaw amount usd blockNumber blockTime position"
)
PAGE: Final = f"transfers(first: {ROWS})"
QUERIES: Final = {
    "one token, 3 fields": (
        "query ($id: TokenId!) { token(id: $id) { tokenId symbol decimals } }",
        {"id": "eip155:1/erc20:" + f"{1:#042x}"},
    ),
    "page of 20 × 10 fields": (f"{{ transfers(first: 20) {{ nodes {{ {SCALAR_FIELDS} }} }} }}", {}),
    "page of 1,000 × 10 fields": (
        f"{{ {PAGE} {{ nodes {{ {SCALAR_FIELDS} }} }} }}",
        {},
    ),
    "the same with tokens": (
        f"{{ {PAGE} {{ nodes {{ {SCALAR_FIELDS} token {{ symbol decimals }} }} }} }}",
        {},
    ),
    "the same as edges": (
        f"{{ {PAGE} {{ edges {{ cursor node {{ {SCALAR_FIELDS} }} }} }} }}",
        {},
    ),
}


class Figure(msgspec.Struct):
    """CPU milliseconds per request."""

    query: str
    standard_ms: float
    compiled_ms: float

    @property
    def ratio(self) -> float:
        """How many times less the compiled executor takes."""
        return self.standard_ms / self.compiled_ms


def schema_with(executor: ExecutorName) -> GuardedSchema:
    """The benchmark's schema."""
    schema = GuardedSchema(Query, config=StrawberryConfig(scalar_map=SCALARS), executor=executor)
    check(schema)
    return schema


async def measure(
    schemas: Sequence[GuardedSchema], query: str, variables: dict[str, Any], *, seconds: float
) -> list[float]:
    """Milliseconds of CPU for one answer of each schema, as the median of interleaved rounds."""
    memory = Memory()

    async def answer(schema: GuardedSchema) -> bytes:
        context = Context(graph=None, clock=lambda: NOW, parts=(memory,))  # type: ignore[arg-type]
        result = await schema.execute(query, variable_values=variables, context_value=context)
        assert result.errors is None, result.errors
        return orjson.dumps({"data": result.data})

    answers = {await answer(schema) for schema in schemas}
    assert len(answers) == 1, "the executors do not agree"
    times: list[list[float]] = [[] for _ in schemas]
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for schema, own in zip(schemas, times, strict=True):
            started = time.process_time()
            for _ in range(3):
                await answer(schema)
            own.append((time.process_time() - started) / 3 * 1_000)
    return [statistics.median(own) for own in times]


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench executor", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each query")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    schemas = [schema_with(executor) for executor in ExecutorName]
    table = Table("query", "standard ms", "compiled ms", "times less")
    figures = []
    for name, (query, variables) in QUERIES.items():
        standard, compiled = asyncio.run(
            measure(schemas, query, variables, seconds=options.seconds)
        )
        figure = Figure(name, standard, compiled)
        figures.append(figure)
        table.row(name, f"{standard:.3f}", f"{compiled:.3f}", f"{figure.ratio:.1f}")
    write_json(options.json, figures)


def _row(number: int, tokens: list[TokenId]) -> TransferRow:
    return TransferRow(
        id=f"eip155:1:{number:#066x}:log:{number % 7}",
        sender=AccountId(f"eip155:1:{number % 97:#042x}"),
        recipient=AccountId(f"eip155:1:{number % 89:#042x}"),
        token=tokens[number % len(tokens)],
        amount_raw=number * 10**18,
        amount=float(number),
        usd=None if number % 3 else number * 1.01,
        block_number=19_000_000 + number,
        block_time=NOW - timedelta(seconds=12 * number),
        position=f"log:{number % 7}",
    )
