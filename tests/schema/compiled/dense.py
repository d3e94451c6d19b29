"""A schema with every feature of the language, over records that can go wrong anywhere.

Whatever a record holds and whatever a question answers is drawn from a seed and from what is asked
for, so that it is the same for both executors, in whichever order they ask.
"""

import asyncio
import enum
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar, Final, NewType

import msgspec
import strawberry
from strawberry.schema.config import StrawberryConfig

from graph_api.domain.errors import BadInput, NotFound, UpstreamUnavailable
from graph_api.domain.pages import Page, Slice, slice_of
from graph_api.domain.principals import Principal
from graph_api.schema.context import Context
from graph_api.schema.guarded import ExecutorName, GuardedSchema
from graph_api.schema.limits import DocumentLimits
from graph_api.schema.made import From, Later, Made, all_kept, one_kept
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import SCALARS, BigInt
from graph_api.schema.steps import Access, batched, extends, root
from graph_api.store.records import Columns

NOW: Final = datetime(2026, 1, 15, 12, tzinfo=UTC)
KEYS: Final = tuple("abcdefgh")

Moody = NewType("Moody", str)


def write_moody(value: object) -> str | None:
    """A scalar that writes some values, answers null for some and refuses the others."""
    if value == "refused":
        raise ValueError("This is not written.")
    return None if value == "nothing" else f"{value}!"


def read_moody(value: object) -> Moody:
    """The same for input."""
    if value == "refused":
        raise BadInput("This is not read.")
    return Moody(str(value))


class Colour(enum.Enum):
    """An enum with values of its own."""

    RED = 1
    GREEN = "g"
    BLUE = (0, 0, 255)


strawberry.enum(Colour)

TEXT: Final = ("", "text", "ünïcode ☃", "a" * 50)
WRONG: Final = (
    object(),
    {"a": 1},
    ["x"],
    b"bytes",
    1.5,
    float("nan"),
    10**30,
    "refused",
    "nothing",
)


@dataclass(frozen=True)
class Record:
    """What the store holds of a key: nothing but the key, the rest is drawn."""

    key: str
    seed: int
    faults: float

    @property
    def draws(self) -> tuple[int, float]:
        """What the draws depend on beside the key."""
        return self.seed, self.faults

    def draw(self, name: str, usual: tuple[Any, ...]) -> Any:
        """The value of a property, which may be null, an error or of a wrong kind."""
        chance = random.Random(f"{self.seed}/{self.key}/{name}")
        if chance.random() < self.faults:
            return chance.choice((None, None, RuntimeError("stored"), NotFound("gone"), *WRONG))
        return chance.choice(usual)


class Row(msgspec.Struct, frozen=True):
    """What the store holds of a key, column by column; ``kept`` are rows that belong to it."""

    key: str
    name: Any
    nick: Any
    size: Any
    big: Any
    moment: Any
    kept: list["Row"] | None

    @classmethod
    def drawn(cls, record: Record, columns: Columns, depth: int = 0) -> "Row":
        """Nobody may look at what is not among the columns."""
        draw = record.draw
        more = Record(_before(record.key), *record.draws)
        values: dict[str, Any] = {
            "name": draw("row name", TEXT),
            "nick": draw("row nick", (*TEXT, None)),
            "size": draw("row size", (1, 2)),
            "big": draw("row big", ("7", "-8", None)),
            "moment": draw("row moment", (NOW, None)),
            "kept": [cls.drawn(more, columns, depth + 1)] if depth < 2 else [],
        }
        if columns is not None:
            values.update(dict.fromkeys(values.keys() - columns, WRONG[0]))
        return cls(key=record.key, **values)


def _before(key: str) -> str:
    """Another key; that of a stranger, too, so that it spoils no question about others."""
    return KEYS[KEYS.index(key) - 1] if key in KEYS else KEYS[0]


class RowHit(Row, frozen=True):
    """The same as another question answers it."""

    place: int = 0


class Shop:
    """The door that all questions go through. It counts the calls."""

    def __init__(self, seed: int, *, faults: float, delays: bool) -> None:
        self.seed, self.faults, self.delays = seed, faults, delays
        self.calls = 0

    async def enter(self, name: str) -> None:
        """Count, wait for a while, and fail now and then."""
        self.calls += 1
        chance = self.chance(name)
        if self.delays:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
        if chance.random() < self.faults / 2:
            raise chance.choice(
                (RuntimeError("down"), UpstreamUnavailable("The shop", retry_after_s=1))
            )

    def chance(self, *parts: object) -> random.Random:
        """What decides about these parts."""
        return random.Random("/".join(map(str, (self.seed, *parts))))

    def record(self, name: str, key: str) -> Record | None:
        """A record; sometimes there is none."""
        if self.chance(name, key).random() < 0.1:
            return None
        return Record(key, self.seed, self.faults)

    def records(self, name: str, key: str, most: int) -> list[Record]:
        """Up to ``most`` records."""
        chance = self.chance(name, key, most)
        keys = chance.choices(KEYS, k=chance.randrange(most + 1))
        return [Record(one, self.seed, self.faults) for one in keys]


async def by_keys(shop: Shop, keys: list[str]) -> dict[str, Record]:
    await shop.enter("by_keys")
    found = {key: shop.record("by_keys", key) for key in keys}
    for key in keys:
        if shop.chance("refused", key).random() < shop.faults:
            found[key] = NotFound(f"{key} is refused.")  # type: ignore[assignment]
    return {key: record for key, record in found.items() if record is not None}


async def always(shop: Shop, keys: list[str]) -> dict[str, Record]:
    await shop.enter("always")
    return {key: Record(key[::-1], shop.seed, shop.faults) for key in keys}


async def many(
    shop: Shop, keys: list[str], *, first: int, colours: list[Colour], like: str = "x"
) -> dict[str, list[Record]]:
    await shop.enter(f"many {like}")
    return {key: shop.records(f"many {like} {len(colours)}", key, first) for key in keys}


async def gaps(shop: Shop, keys: list[str]) -> dict[str, list[Record | None]]:
    await shop.enter("gaps")
    return {key: [None, *shop.records("gaps", key, 3), None] for key in keys}


async def pages(shop: Shop, keys: list[str], *, page: Page) -> dict[str, Slice[Record]]:
    await shop.enter("pages")
    return {
        key: slice_of([(one.key, one) for one in shop.records("pages", key, page.size + 1)], page)
        for key in keys
        if key != "c"
    }


async def texts(
    shop: Shop, keys: list[str], *, now: datetime, principal: Principal
) -> dict[str, str]:
    await shop.enter("texts")
    return {key: f"{key} {now.year} {principal.id}" for key in keys if key != "d"}


async def numbers(shop: Shop, keys: list[str]) -> dict[str, list[int]]:
    await shop.enter("numbers")
    return {key: [1, shop.chance("numbers", key).choice((2, 2, 2, 2, 10**12)), 3] for key in keys}


async def rows(shop: Shop, keys: list[str], *, columns: Columns = None) -> dict[str, Row]:
    await shop.enter("rows")
    found = {key: shop.record("rows", key) for key in keys}
    return {key: Row.drawn(one, columns) for key, one in found.items() if one is not None}


async def pages_of_rows(
    shop: Shop, keys: list[str], *, page: Page, columns: Columns = None
) -> dict[str, Slice[Row]]:
    await shop.enter("pages of rows")
    found: dict[str, Slice[Row]] = {}
    for key in keys:
        drawn = (Row.drawn(one, columns) for one in shop.records("rows", key, page.size + 1))
        hits = [RowHit(**{**msgspec.structs.asdict(one), "kept": one.kept}) for one in drawn]
        found[key] = slice_of([(one.key, one) for one in hits], page)
    return found


async def newest(shop: Shop, *, page: Page, colour: Colour | None) -> Slice[Record]:
    await shop.enter(f"newest {colour}")
    return slice_of([(one.key, one) for one in shop.records("newest", "", page.size + 1)], page)


async def chosen(shop: Shop, *, keys: list[str]) -> list[Record | None]:
    await shop.enter("chosen")
    return [shop.record("chosen", key) for key in keys]


def _named(record: Record) -> "Alpha | Beta":
    return Alpha.of(record) if record.key in "aceg" else Beta.of(record)


def _loud(root: Any) -> str:
    return str(root.key).upper()


def _counted(digits: Any, *, by: int) -> Any:
    """Passes on what is no text, so that no row is refused."""
    is_number = isinstance(digits, str) and digits.lstrip("-").isdecimal()
    return BigInt(int(digits) * by) if is_number else digits


def _id(root: Any) -> strawberry.ID:
    return strawberry.ID(f"{type(root).__name__}:{root.key}")


def _said(root: Any, to: Annotated[str, strawberry.argument(description="Whom.")] = "all") -> str:
    if to == "nobody":
        raise BadInput("Say it to somebody.")
    return f"{root.name} to {to}"


def _hello(
    to: Annotated[Moody | None, strawberry.argument(description="Whom.")] = None,
) -> Moody | None:
    return to


@strawberry.interface(description="Has a name.")
class Named:
    kind_of_key: ClassVar[str] = "key"

    id: strawberry.ID = strawberry.field(resolver=_id, description="Id.")
    name: str = strawberry.field(description="Name.")
    nick: str | None = strawberry.field(description="Nick.")


@strawberry.type(description="Plain values in a row.")
class Values:
    text: str = strawberry.field(description="Text.")
    whole: int | None = strawberry.field(description="Whole.")
    broken: float = strawberry.field(description="Broken.")
    sure: bool = strawberry.field(description="Sure.")
    big: BigInt | None = strawberry.field(description="Big.")
    moment: datetime = strawberry.field(description="Moment.")
    exact: Decimal | None = strawberry.field(description="Exact.")
    colour: Colour = strawberry.field(description="Colour.")
    moody: Moody | None = strawberry.field(description="Moody.")
    moody_for_sure: Moody = strawberry.field(description="Moody.")
    inner: "Values | None" = strawberry.field(description="More.")

    @classmethod
    def of(cls, record: Record, depth: int = 0) -> "Values":
        draw = record.draw
        return cls(
            text=draw(f"text{depth}", TEXT),
            whole=draw("whole", (0, -5, 2**31 - 1)),
            broken=draw("broken", (0.5, -1e300, 3)),
            sure=draw("sure", (True, False)),
            big=draw("big", (10**40, 0, -7)),
            moment=draw("moment", (NOW, NOW + timedelta(milliseconds=5))),
            exact=draw("exact", (Decimal("1.50"), Decimal(0))),
            colour=draw("colour", tuple(Colour)),
            moody=draw("moody", ("mild", None, "mild")),
            moody_for_sure=draw("sure mood", ("mild",)),
            inner=cls.of(record, depth + 1) if depth < 2 else draw("inner", (None,)),
        )


@strawberry.type(description="One kind.")
class Alpha(Named):
    key: strawberry.Private[str]
    owner: strawberry.Private[str]
    next_key: strawberry.Private[str | None]

    values: Values = strawberry.field(description="Its values.")
    words: list[str] = strawberry.field(description="Words.")
    grid: list[list[int | None]] | None = strawberry.field(description="Numbers in rows.")
    strict: list[list[int]] = strawberry.field(description="Numbers in rows.")
    rows: list[Values | None] | None = strawberry.field(description="Values.")
    full: list[Values] = strawberry.field(description="Values.")

    partner: Annotated["Named", strawberry.lazy("tests.schema.compiled.dense")] | None = batched(
        by_keys, key="next_key", of=lambda record: _named(record), description="By interface."
    )
    twin: "Alpha" = batched(
        always, key="key", of=lambda record: Alpha.of(record), description="Never null."
    )
    others: list["Beta"] = batched(
        many,
        key="key",
        of=lambda record: Beta.of(record),
        paging=Paging(default=2, ceiling=3),
        arguments={"colours": "Any.", "like": "Any."},
        description="Many.",
    )
    page: Connection["Alpha"] = batched(
        pages,
        key="key",
        of=lambda record: Alpha.of(record),
        paging=Paging(default=2, ceiling=3),
        description="A page.",
    )
    scoped: str | None = batched(
        texts, key="key", access=Access(scope="audit"), description="For auditors."
    )
    owned: str = batched(
        texts, key="key", access=Access(owner="owner"), description="For its owner."
    )

    said: str = strawberry.field(resolver=_said, description="With an argument.")

    @classmethod
    def of(cls, record: Record) -> "Alpha":
        draw = record.draw
        if draw("of", ("",)) == "refused":
            raise RuntimeError("no Alpha")
        values = Values.of(record)
        whole = draw("cell", (1, 2, None))
        return cls(
            key=record.key,
            owner="local" if record.key != "e" else "somebody",
            next_key=None if record.key == "g" else KEYS[KEYS.index(record.key) - 1],
            name=draw("name", TEXT),
            nick=draw("nick", (*TEXT, None)),
            values=draw("values", (values,)),
            words=draw("words", ([], ["a", "b"], ("c",), ["a", draw("word", ("b",))])),
            grid=draw("grid", (None, [[1, None], [], [whole, 2**31]], [[1], draw("row", ([],))])),
            strict=draw("strict", ([[1, 2], [3]], [[1, draw("in", (2,))], draw("row", ([],))])),
            rows=draw("rows", ([values, None, draw("row", (values,))], [], None)),
            full=draw("full", ([values], [values, values], [values, draw("row", (values,))])),
        )


@strawberry.type(description="Another kind.")
class Beta(Named):
    key: strawberry.Private[str]

    size: int = strawberry.field(description="Size.")

    alphas: list[Alpha | None] = batched(
        gaps,
        key="key",
        of=lambda record: None if record is None else Alpha.of(record),
        description="With gaps.",
    )
    numbers: list[int] = batched(numbers, key="key", description="Numbers.")
    text: str = batched(
        texts, key="key", deprecated="It is old.", description="Text that may be missing."
    )

    @classmethod
    def of(cls, record: Record) -> "Beta":
        draw = record.draw
        return cls(
            key=record.key,
            name=draw("name", TEXT),
            nick=draw("nick", (None, "B")),
            size=draw("size", (1, 2)),
        )


@strawberry.type(description="A kind that is made of rows.")
class Gamma(Named):
    key: strawberry.Private[str]
    next_key: strawberry.Private[str | None]
    kept: strawberry.Private[list[Row] | None]

    size: int = strawberry.field(description="Size.")
    big: BigInt | None = strawberry.field(description="Big.")
    moment: datetime | None = strawberry.field(description="Moment.")
    label: str = strawberry.field(description="Of two columns.")
    words: list[str] = strawberry.field(description="Words.")
    loud: str = strawberry.field(resolver=_loud, description="Of the object.")

    first_kept: "Gamma | None" = strawberry.field(
        resolver=one_kept(Later(lambda: Gamma.of), lambda root: next(iter(root.kept or ()), None)),
        description="A row that it keeps.",
    )
    all_kept: list["Gamma"] = strawberry.field(
        resolver=all_kept(Later(lambda: Gamma.of), lambda root: root.kept or ()),
        description="Rows that it keeps.",
    )
    next: "Gamma | None" = batched(
        rows, key="next_key", of=Later(lambda: Gamma.of), description="Another."
    )
    page: Connection["Gamma"] = batched(
        pages_of_rows,
        key="key",
        of=Later(lambda: Gamma.of),
        paging=Paging(default=2, ceiling=3),
        description="A page.",
    )
    twin: Alpha = batched(always, key="key", of=Alpha.of, description="Never null.")
    scoped: str | None = batched(
        texts, key="key", access=Access(scope="audit"), description="For auditors."
    )

    of: ClassVar[Made[Row, "Gamma"]] = Made(
        Row,
        id=From(("key",), lambda key: strawberry.ID(f"Gamma:{key}")),
        key="key",
        next_key=From(("key",), lambda key: None if key == "g" else _before(key)),
        kept="kept",
        name="name",
        nick="nick",
        size="size",
        big=From(("big",), partial(_counted, by=2)),
        moment="moment",
        label=From(("key", "size"), lambda key, size: f"{key} {type(size).__name__}"),
        words=From(("nick",), lambda nick: [nick, "word"] if nick else ()),
    )


Either = Annotated[Alpha | Beta, strawberry.union("Either", description="One of both.")]


@extends(Beta)
class BetaMore:
    either: Either | None = batched(by_keys, key="key", of=_named, description="By union.")


@strawberry.input(description="Filters.")
class Filter:
    word: str = strawberry.field(default="w", description="A word.")
    deep: "Filter | None" = strawberry.field(default=None, description="More.")
    colours: list[Colour] | None = strawberry.field(default=None, description="Colours.")

    def asked(self) -> tuple[Any, ...]:
        if self.word == "bad":
            raise BadInput("This word is bad.")
        return self.word, self.deep and self.deep.asked(), tuple(self.colours or ())


def _by_filter(filter: Filter, mood: Moody = Moody("calm")) -> str:
    return KEYS[len(str((filter.asked(), mood))) % len(KEYS)]


def _by_key(key: strawberry.ID) -> str:
    if key == "z":
        raise NotFound("There is no z.")
    return str(key)


@strawberry.type(description="All.")
class Query:
    alpha: Alpha | None = root(
        by_keys, key=_by_key, of=Alpha.of, arguments={"key": "Key."}, description="One."
    )
    sure_alpha: Alpha = root(
        always,
        key=_by_filter,
        of=Alpha.of,
        arguments={"filter": "Filter.", "mood": "Mood."},
        description="One.",
    )
    either: Either | None = root(
        by_keys, key=_by_key, of=_named, arguments={"key": "Key."}, description="One."
    )
    newest: Connection[Named] | None = root(
        newest,
        of=_named,
        paging=Paging(default=2, ceiling=4),
        arguments={"colour": "Colour."},
        description="A page of an interface.",
    )
    gamma: Gamma | None = root(
        rows, key=_by_key, of=Gamma.of, arguments={"key": "Key."}, description="One."
    )
    gammas: Connection[Gamma] = root(
        pages_of_rows,
        key=_by_key,
        of=Gamma.of,
        paging=Paging(default=2, ceiling=4),
        arguments={"key": "Key."},
        description="A page of them.",
    )
    chosen: list[Named | None] = root(
        chosen,
        of=lambda record: None if record is None else _named(record),
        arguments={"keys": "Keys."},
        description="Several.",
    )

    hello: Moody | None = strawberry.field(resolver=_hello, description="Said by nobody.")


def dense_schema(executor: ExecutorName) -> GuardedSchema:
    """The schema with one of the executors, and room for large documents."""
    limits = DocumentLimits(max_root_fields=100, max_aliases=1_000, max_repeats=10_000)
    moody = strawberry.scalar(name="Moody", serialize=write_moody, parse_value=read_moody)
    return GuardedSchema(
        Query,
        config=StrawberryConfig(scalar_map={**SCALARS, Moody: moody}),
        executor=executor,
        limits=limits,
        cache_size=500,
    )


def dense_context(shop: Shop, *, auditor: bool) -> Context:
    """A request's context."""
    scopes = frozenset({"audit"}) if auditor else frozenset()
    return Context(graph=None, clock=lambda: NOW, parts=(shop,), scopes=scopes)  # type: ignore[arg-type]


ARGUMENT_VALUES: Final[dict[str, Callable[[random.Random], Any]]] = {
    "ID": lambda chance: chance.choice((*KEYS * 3, "z", 5)),
    "String": lambda chance: chance.choice((*"aaabbbccceeefff", "nobody", "bad", "")),
    "Int": lambda chance: chance.choice((1, 2, 3) * 8 + (9, 0, -1)),
    "Moody": lambda chance: chance.choice((*["mild"] * 12, "refused", "nothing", 7, True)),
}
