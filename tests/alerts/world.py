"""A seeded week in which it is known what every alert rule has to raise, and what it must not.

Each kind of rule has events that are just enough and others that just are not: a base unit, a
millisecond or a second too little, a price that nobody knew, a block that did not stay.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

from graph_api.domain.alerts import (
    ActorFlow,
    AnyCondition,
    BalanceThreshold,
    Direction,
    DormantWakes,
    IssuerFreeze,
    LargeTransfer,
    NewCounterparty,
    OtcScore,
    PriceMove,
    SanctionedCounterparty,
    Size,
    Subjects,
    WatchedMoved,
)
from graph_api.domain.assets import Asset
from graph_api.domain.categories import Category
from graph_api.domain.events import Line, Topic
from graph_api.domain.ids import ChainId, TokenId
from graph_api.domain.labels import claim, on_chain
from graph_api.domain.prices import Price
from graph_api.domain.records import Actor, ActorType, Record, Token, Transfer
from tests import given
from tests.given import ETHER, ETHEREUM, NOON, address, erc20, wallet

START: Final = NOON
SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
ETH: Final = 10**18
DOLLAR: Final = 10**6
DOLLARS, JUNK, SIX, ODD = (erc20(name) for name in ("dollars", "junk", "six", "odd"))
ASSETS: Final = (
    Asset(id="ether", symbol="ETH", tokens=(ETHER,)),
    Asset(id="dollars", symbol="USD", tokens=(DOLLARS,)),
    Asset(id="gold", symbol="GOLD", tokens=(erc20("gold"),)),
)
#: In which workspace a rule lives, and the list that it may name.
ANN, BOB = "ann-desk", "bob-desk"
LIST: Final = "list"


class Move(NamedTuple):
    """A transfer that happens."""

    name: str
    sender: str
    recipient: str
    amount_raw: int | None
    token: TokenId | None = ETHER
    log: int = 0


class Tick(NamedTuple):
    """A price is told."""

    price: Price


class Told(NamedTuple):
    """Something is told on another line."""

    line: Line
    topic: Topic
    body: dict[str, Any]


class Fork(NamedTuple):
    """The newest blocks do not stay."""

    depth: int


class Expected(NamedTuple):
    """An alert that has to be raised: by which rule, on what, in which block."""

    workspace: str
    rule: str
    name: str
    block: int | None = None


@dataclass
class Planned:
    """A rule, and from when on it is there."""

    workspace: str
    id: str
    condition: AnyCondition
    cool_down_s: int = 0
    since: int = 0


@dataclass
class Week:
    """Everything that happens, in order of time, and what follows from it."""

    seed: int = 1
    noise: int = 60
    steps: list[tuple[int, list[Move] | Tick | Told | Fork]] = field(default_factory=list)
    prices: list[Price] = field(default_factory=list)
    rules: list[Planned] = field(default_factory=list)
    hits: list[tuple[str, str, str, int]] = field(default_factory=list)
    gone: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        for plan in (
            self._prices,
            self._sizes,
            self._watched,
            self._met,
            self._flows,
            self._balances,
            self._sleepers,
            self._gold,
            self._desks,
            self._sanctions,
            self._freezes,
            self._quiet,
            self._forks,
            self._noise,
        ):
            plan()
        # Of one moment prices come first, since a block's price may be that of its own time.
        self.steps.sort(key=lambda step: (step[0], not isinstance(step[1], Tick)))

    # What a plan is made of

    def rule(self, id: str, condition: AnyCondition, *, workspace: str = ANN, **rest: Any) -> None:
        self.rules.append(Planned(workspace, id, condition, **rest))

    def block(self, at: int, *moves: Move, hits: Iterable[tuple[str, str]] = ()) -> None:
        """A block; ``hits`` are rules and names of what they find in it."""
        self.steps.append((START + at, list(moves)))
        self.hit(at, *hits)

    def move(
        self,
        at: int,
        sender: str,
        recipient: str,
        amount_raw: int | None = ETH,
        token: TokenId | None = ETHER,
        *,
        hits: Iterable[str] = (),
        name: str = "",
    ) -> None:
        """A block with one transfer; ``hits`` are rules that find something in it."""
        name = name or f"{sender} to {recipient} at {at}"
        self.block(at, Move(name, sender, recipient, amount_raw, token))
        self.hit(at, *((rule, name) for rule in hits))

    def hit(self, at: int, *hits: tuple[str, str]) -> None:
        for rule, name in hits:
            workspace, _, id = rule.rpartition("/")
            self.hits.append((workspace or ANN, id, name, START + at))

    def _price(self, at: int, asset: str, usd: str) -> None:
        """A price that is known of that time, whoever is told."""
        self.prices.append(Price(asset=asset, usd=Decimal(usd), at=START + at, source="a+b"))

    def tick(self, at: int, asset: str, usd: str, *, hits: Iterable[str] = ()) -> None:
        price = Price(asset=asset, usd=Decimal(usd), at=START + at, source="a+b")
        self.steps.append((price.at, Tick(price)))
        self.hit(at, *((rule, f"{asset} {price.at}") for rule in hits))

    # What happens

    def _prices(self) -> None:
        for hour in range(-1, 7 * 24):
            at = hour * HOUR
            if not 5 * DAY < at < 5 * DAY + 4 * HOUR:
                self._price(at, "ether", "2000" if at < 3 * DAY else "3000")
            self._price(at, "dollars", "1")

    def _sizes(self) -> None:
        million = LargeTransfer(size=Size(min_usd=Decimal(1_000_000)))
        self.rule("large", million)
        self.rule("large", million, workspace=BOB)
        self.rule("raw", LargeTransfer(size=Size(tokens=(JUNK,), min_amount_raw=10**30)))
        units = Size(tokens=(SIX, ODD), min_amount=Decimal("12.5"))
        self.rule("units", LargeTransfer(size=units))
        both = ("large", f"{BOB}/large")
        self.move(HOUR, "whale", "x", 500 * ETH, hits=both)
        self.move(HOUR + 1, "whale", "x", 500 * ETH - 1)
        self.move(HOUR + 2, "whale", "x", 10**30, JUNK, hits=["raw"])
        self.move(HOUR + 3, "whale", "x", 10**30 - 1, JUNK)
        self.move(HOUR + 4, "whale", "x", None)
        self.move(3 * DAY - 1, "whale", "x", 400 * ETH)
        self.move(3 * DAY, "whale", "x", 400 * ETH, hits=both)
        self.move(5 * DAY + 2 * HOUR, "whale", "x", 400 * ETH, hits=both)
        self.move(5 * DAY + 2 * HOUR + 1, "whale", "x", 400 * ETH)
        self.move(HOUR + 5, "whale", "x", 12_500_000, SIX, hits=["units"])
        self.move(HOUR + 6, "whale", "x", 12_499_999, SIX)
        self.move(HOUR + 7, "whale", "x", 12_500_000, ODD)

    def _watched(self) -> None:
        size = Size(tokens=(DOLLARS,), min_amount=Decimal(10))
        out = WatchedMoved(subjects=Subjects(watchlist=LIST), direction=Direction.OUT, size=size)
        self.rule("watched", out)
        self.rule("watched", out, workspace=BOB)
        self.rule("later", WatchedMoved(subjects=Subjects(wallets=(wallet("alice"),))), since=DAY)
        self.move(2 * HOUR, "alice", "x", 10 * DOLLAR, DOLLARS, hits=["watched"])
        self.move(2 * HOUR + 1, "alice", "x", 10 * DOLLAR - 1, DOLLARS)
        self.move(2 * HOUR + 2, "x", "alice", 100 * DOLLAR, DOLLARS)
        self.move(2 * HOUR + 3, "mallory", "x", 100 * DOLLAR, DOLLARS, hits=[f"{BOB}/watched"])
        self.move(2 * DAY - 1, "hot", "x", 10 * DOLLAR, DOLLARS)
        self.move(2 * DAY, "hot", "x", 10 * DOLLAR, DOLLARS, hits=["watched"])
        self.move(DAY + 7, "alice", "alice", 1, DOLLARS, hits=["later"])
        self.move(DAY + 2 * HOUR, "x", "alice", None, DOLLARS, hits=["later"])

    def _met(self) -> None:
        self.rule(
            "met",
            NewCounterparty(subjects=Subjects(wallets=(wallet("carol"),)), direction=Direction.OUT),
        )
        at = 3 * HOUR
        self.move(at, "carol", "m1", hits=["met"])
        self.move(at + 1, "carol", "m1")
        self.move(at + 2, "m2", "carol")
        self.move(at + 3, "carol", "m2")
        self.move(at + 4, "carol", "carol")
        self.block(
            at + 5,
            Move("first", "carol", "m3", 1),
            Move("first", "carol", "m3", 1, log=1),
            hits=[("met", "first")],
        )
        self.block(at + 6, Move("then", "m4", "carol", 1), Move("then", "carol", "m4", 1, log=1))
        self.block(
            at + 7,
            Move("before", "carol", "m5", 1, DOLLARS),
            Move("before", "m5", "carol", 1, log=1),
            hits=[("met", "before")],
        )
        self.move(at + 8, "carol", "m5", 1)

    def _flows(self) -> None:
        desks = Subjects(wallets=(wallet("desk a"), wallet("desk b")))
        self.rule(
            "flow",
            ActorFlow(
                subjects=desks,
                direction=Direction.IN,
                window_s=3_600,
                min_usd=Decimal(100_000),
            ),
        )
        at = DAY + MINUTE
        self.move(at, "x", "desk a", 30 * ETH)
        self.move(at + HOUR, "x", "desk b", 20 * ETH)
        at += 6 * HOUR
        self.move(at, "x", "desk a", 30 * ETH)
        self.move(at + HOUR - 1, "x", "desk b", 20 * ETH, hits=["flow"])
        self.move(at + HOUR + MINUTE, "x", "desk b", 10 * ETH)
        at += 6 * HOUR
        self.move(at, "desk a", "desk b", 400 * ETH)
        self.move(at + 1, "desk a", "x", 400 * ETH)
        self.move(at + 2, "x", "desk a", 10**30, ODD)
        self.move(at + 3, "x", "desk a", 50 * ETH - 1)
        at += 6 * HOUR
        self.move(at, "x", "desk a", 60 * ETH, hits=["flow"])
        self.move(at + 1, "x", "desk a", 60 * ETH)
        at += 6 * HOUR
        self._dropped(at, Move("dropped flow", "x", "desk a", 30 * ETH))
        self.move(at + 2, "x", "desk b", 20 * ETH)

    def _balances(self) -> None:
        holder = wallet("vault")
        for id, bound in (("low", {"below_raw": 100}), ("high", {"above_raw": 150})):
            raw = {side: dollars * DOLLAR for side, dollars in bound.items()}
            self.rule(id, BalanceThreshold(wallet=holder, token=DOLLARS, **raw))
        at = 4 * HOUR
        self.move(at, "x", "vault", 150 * DOLLAR, DOLLARS, hits=["high"])
        self.move(at + 1, "vault", "x", 50 * DOLLAR, DOLLARS)
        self.move(at + 2, "vault", "x", 1, DOLLARS, hits=["low"])
        self.move(at + 3, "x", "vault", 1, DOLLARS)
        self.move(at + 4, "x", "vault", 10**24, JUNK)
        self.move(at + 5, "vault", "vault", 90 * DOLLAR, DOLLARS)
        self.block(
            at + 6,
            Move("both", "vault", "x", DOLLAR, DOLLARS),
            Move("both", "x", "vault", 51 * DOLLAR, DOLLARS, log=1),
            hits=[("low", "both"), ("high", "both")],
        )

    def _sleepers(self) -> None:
        two = Subjects(wallets=(wallet("sleeper"), wallet("new")))
        self.rule("woke", DormantWakes(idle_s=86_400, subjects=two))
        large = Size(tokens=(ETHER,), min_amount=Decimal(1))
        self.rule("anybody woke", DormantWakes(idle_s=6 * 86_400, size=large))
        self.move(5 * HOUR, "x", "sleeper")
        self.move(5 * HOUR + DAY - 1, "sleeper", "x")
        self.move(5 * HOUR + 2 * DAY - 1, "sleeper", "x", 1, hits=["woke"])
        self.move(3 * DAY, "x", "sleeper", 1)
        self.move(4 * DAY - 1, "sleeper", "x")
        self.move(4 * DAY, "new", "x")
        self.move(10 * MINUTE, "x", "ancient", 1)
        self.move(10 * MINUTE, "x", "ancient too", 1)
        self.move(6 * DAY + 10 * MINUTE - 1, "ancient", "x", 2 * ETH)
        self.move(6 * DAY + 10 * MINUTE, "ancient too", "x", 2 * ETH, hits=["anybody woke"])

    def _gold(self) -> None:
        up = Direction.IN
        self.rule("up", PriceMove(asset="gold", window_s=3_600, min_change_bps=500, direction=up))
        self.rule("moved", PriceMove(asset="gold", window_s=86_400, min_change_bps=1_000))
        self.tick(DAY, "gold", "100")
        self.tick(DAY + 10 * MINUTE, "gold", "104.999999999999999999")
        self.tick(DAY + 20 * MINUTE, "gold", "105", hits=["up"])
        self.tick(DAY + 30 * MINUTE, "gold", "120", hits=["moved"])
        self.tick(DAY + 80 * MINUTE - 1, "gold", "121")
        self.tick(DAY + 80 * MINUTE, "gold", "126", hits=["up"])
        self.tick(3 * DAY, "gold", "100", hits=["moved"])
        self.tick(3 * DAY + MINUTE, "gold", "103")
        self.tick(3 * DAY + MINUTE + HOUR, "gold", "105")
        self.tick(5 * DAY, "gold", "100")
        self.tick(5 * DAY + MINUTE, "gold", "103")
        self.tick(5 * DAY + MINUTE + HOUR - 1, "gold", "105", hits=["up"])

    def _desks(self) -> None:
        desk = Subjects(wallets=(wallet("otc desk"),))
        self.rule("otc", OtcScore(min_score=0.5, subjects=desk))
        self.rule("any otc", OtcScore(min_score=0))
        for minute, sender, score, hits in (
            (0, "otc desk", 0.5, ("otc", "any otc")),
            (1, "otc desk", 0.49, ("any otc",)),
            (2, "otc desk", None, ("any otc",)),
            (3, "nobody", 0.9, ("any otc",)),
        ):
            at, name = 6 * HOUR + minute * MINUTE, f"otc {minute}"
            body = self._body(Move(name, sender, "x", ETH), START + at) | {"reasons": ["size"]}
            body |= {} if score is None else {"score": score}
            self.steps.append((START + at, Told(Line.OTC, Topic.OTC_DETECTED, body)))
            self.hit(at, *((rule, name) for rule in hits))
            if minute == 3:
                back = Told(Line.OTC, Topic.OTC_RETRACTED, body)
                self.steps.append((START + at + 1, back))
                self.gone.add((name, START + at))

    def _sanctions(self) -> None:
        self.rule("sanctioned", SanctionedCounterparty())
        self.move(4 * DAY - 1, "x", "evil")
        self.move(4 * DAY, "x", "evil", hits=["sanctioned"])
        self.move(5 * DAY - 1, "evil", "y", hits=["sanctioned"])
        self.move(5 * DAY, "evil", "y")
        self.move(4 * DAY + 12 * HOUR - 1, "y", "unknown evil")
        self.move(4 * DAY + 12 * HOUR, "y", "unknown evil", hits=["sanctioned"])

    def _freezes(self) -> None:
        self.rule("freeze", IssuerFreeze(tokens=(DOLLARS,)))
        for minute, topic, token, hits in (
            (0, Topic.WALLET_FROZEN, DOLLARS, ("freeze",)),
            (1, Topic.WALLET_FROZEN, SIX, ()),
            (2, Topic.WALLET_FREED, DOLLARS, ("freeze",)),
        ):
            at, name = 7 * HOUR + minute * MINUTE, f"freeze {minute}"
            body = {
                "id": f"{given.transaction_id_of(name)}:log:0",
                "wallet": wallet("mallory"),
                "token": token,
                "issuer": "Dollars Inc.",
                "block_number": 1,
                "block_hash": name,
                "block_time": START + at,
            }
            self.steps.append((START + at, Told(Line.WALLETS, topic, body)))
            self.hit(at, *((rule, name) for rule in hits))
            if minute == 2:
                gone = Told(Line.WALLETS, Topic.WALLET_RETRACTED, body | {"was": topic.value})
                self.steps.append((START + at + 1, gone))
                self.gone.add((name, START + at))

    def _quiet(self) -> None:
        watched = WatchedMoved(subjects=Subjects(wallets=(wallet("loud"), wallet("other"))))
        self.rule("quiet", watched, cool_down_s=600)
        at = 8 * HOUR
        self.move(at, "loud", "x", hits=["quiet"])
        self.move(at + 600 * SECOND - 1, "loud", "x")
        self.move(at + 600 * SECOND - 1, "other", "x", hits=["quiet"])
        self.move(at + 600 * SECOND, "loud", "x", hits=["quiet"])
        self._dropped(at + 1_200 * SECOND, Move("dropped", "loud", "x", 1), hits=["quiet"])
        self.move(at + 1_300 * SECOND, "loud", "x", hits=["quiet"])

    def _forks(self) -> None:
        self.rule("forked", WatchedMoved(subjects=Subjects(wallets=(wallet("forked"),))))
        at = 9 * HOUR
        stays, goes = Move("stays", "forked", "x", 1), Move("goes", "forked", "x", 2)
        self._dropped(at, stays, goes, hits=["forked"])
        self.block(at + 2, Move("between", "x", "y", 1))
        self.block(at + 3, stays, hits=[("forked", "stays")])

    def _dropped(self, at: int, *moves: Move, hits: Iterable[str] = ()) -> None:
        """A block that does not stay."""
        self.block(at, *moves, hits=[(rule, move.name) for rule in hits for move in moves])
        self.gone |= {(move.name, START + at) for move in moves}
        self.steps.append((START + at + 1, Fork(1)))

    def _noise(self) -> None:
        random = Random(self.seed)
        for number in range(self.noise):
            sender, recipient = (f"noise {one}" for one in random.sample(range(30), 2))
            token = random.choice((ETHER, JUNK, DOLLARS))
            moves = [
                Move(
                    f"noise {number}",
                    sender,
                    recipient,
                    random.randrange(10 * DOLLAR),
                    token,
                    log=log,
                )
                for log in range(random.randrange(1, 6))
            ]
            self.block(random.randrange(WEEK), *moves)

    @staticmethod
    def _body(move: Move, at: int) -> dict[str, Any]:
        made = transfer_of(move, block=1, at=at)
        return {
            "id": made.id,
            "transaction": made.transaction,
            "position": made.position,
            "sender": made.sender,
            "recipient": made.recipient,
            "token": made.token,
            "amount_raw": str(made.amount_raw),
            "amount": None,
            "block_number": 1,
            "block_hash": "otc",
            "block_time": at,
        }


def transfer_of(move: Move, *, block: int, at: int) -> Transfer:
    """The record of a transfer."""
    return given.transfer(
        move.sender,
        move.recipient,
        amount_raw=move.amount_raw,
        tx=move.name,
        log=move.log,
        token=move.token,
        block=block,
        at=at,
    )


def known_before() -> list[Record]:
    """What is in the graph as the week begins: tokens and labels."""
    sanctioned = {"source": "list", "confidence": 0.9, "category": Category.SANCTIONED}
    return [
        Token(id=ETHER, chain=ChainId(ETHEREUM.id), address="", symbol="ETH", decimals=18),
        given.token("dollars", decimals=6, symbol="USD"),
        given.token("junk", decimals=18),
        given.token("six", decimals=6),
        given.token("odd", decimals=None),
        Actor(id="acme", name="Acme", type=ActorType.OTC_DESK, source="tests", confidence=0.9),
        claim(
            on_chain(ETHEREUM, address("hot")),
            "Acme: hot",
            source="tests",
            confidence=0.9,
            category=Category.OTC_DESK,
            actor="acme",
            valid_from=START + 2 * DAY,
            learned_at=START - DAY,
        ),
        claim(
            on_chain(ETHEREUM, address("evil")),
            "Evil",
            valid_from=START + 4 * DAY,
            valid_to=START + 5 * DAY,
            learned_at=START - DAY,
            **sanctioned,  # type: ignore[arg-type]
        ),
        claim(
            on_chain(ETHEREUM, address("unknown evil")),
            "Evil too",
            learned_at=START + 4 * DAY + 12 * HOUR,
            **sanctioned,  # type: ignore[arg-type]
        ),
    ]
