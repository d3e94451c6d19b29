"""A small schema that shows the front door at work: it answers, refuses, fails and waits."""

import asyncio
import enum
from collections.abc import AsyncGenerator
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from graph_api.domain.errors import BadInput, NotFound, UpstreamUnavailable
from graph_api.schema.guarded import GuardedSchema
from tests.executors import EXECUTOR

SECRET = "bolt://graph.internal:7687 refused MATCH (w:Wallet)"


class Address(str):
    """A scalar that refuses in our own words."""


class Digits(str):
    """A scalar that refuses with a plain ValueError, as libraries do."""


class Broken(str):
    """A scalar with a bug in it."""


def read_address(value: str) -> str:
    if not value.startswith("0x"):
        raise BadInput("An address starts with 0x.")
    return value


def read_digits(value: str) -> str:
    return str(int(value))


def read_broken(value: str) -> str:
    raise KeyError(SECRET)


@strawberry.enum
class Kind(enum.Enum):
    EOA = "eoa"
    CONTRACT = "contract"


@strawberry.type
class Thing:
    name: str

    @strawberry.field
    def inner(self) -> "Thing":
        return Thing(name=self.name)


@strawberry.type
class Failing:
    @strawberry.field
    def value(self) -> str | None:
        raise RuntimeError(SECRET)


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"Hello, {name}!"

    @strawberry.field
    def thing(self) -> Thing:
        return Thing(name="thing")

    @strawberry.field
    def needed(self, number: int) -> int:
        return number

    @strawberry.field
    def address(self, of: Address) -> str:
        return of

    @strawberry.field
    def digits(self, of: Digits) -> str:
        return of

    @strawberry.field
    def broken(self, of: Broken) -> str:
        return of

    @strawberry.field
    def kind(self, of: Kind) -> Kind:
        return of

    @strawberry.field
    def missing(self) -> str | None:
        raise NotFound("No wallet has this address.")

    @strawberry.field
    def away(self) -> str | None:
        raise UpstreamUnavailable("The graph", retry_after_s=5)

    @strawberry.field
    def crash(self) -> str | None:
        raise RuntimeError(SECRET)

    @strawberry.field
    def failing(self, times: int) -> list[Failing]:
        return [Failing() for _ in range(times)]

    @strawberry.field
    def too_big(self) -> int | None:
        return 2**40

    @strawberry.field
    def half_a_pair(self) -> str:
        return "half \ud800 pair"

    @strawberry.field
    async def slow(self, info: strawberry.Info[Any, Any]) -> str:
        """Tell the context that it runs, and wait until it may go on."""
        gate: Gate = info.context["gate"]
        gate.entered.set()
        await gate.opened.wait()
        return "done"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def set_name(self, name: str) -> str:
        return name


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number
        raise RuntimeError(SECRET)

    @strawberry.subscription
    async def steps(self) -> AsyncGenerator[str, None]:
        yield "the first"
        yield "the last"


class Gate:
    """Where ``slow`` stops until a test lets it go on."""

    def __init__(self) -> None:
        self.entered, self.opened = asyncio.Event(), asyncio.Event()


def small_schema(**options: Any) -> GuardedSchema:
    scalars = StrawberryConfig(
        scalar_map={
            Address: strawberry.scalar(name="Address", parse_value=read_address),
            Digits: strawberry.scalar(name="Digits", parse_value=read_digits),
            Broken: strawberry.scalar(name="Broken", parse_value=read_broken),
        }
    )
    options.setdefault("executor", EXECUTOR)
    return GuardedSchema(
        Query, mutation=Mutation, subscription=Subscription, config=scalars, **options
    )
