"""What was known of events when they happened, asked for many of them at once.

Everything is as of the event: prices at its block's time, labels that held then, and what was
before its place among the chain's transfers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from graph_api.analysis.alert_rules.facts import (
    Balance,
    Claim,
    Fact,
    Known,
    Owner,
    TokenFacts,
    is_watched,
)
from graph_api.analysis.alert_rules.happenings import Happening, Moved, Ticked, milliseconds
from graph_api.analysis.alert_rules.kind import AnyKind
from graph_api.analysis.attribution import winner
from graph_api.domain.alerts import BalanceThreshold, NewCounterparty, PriceMove, Rule
from graph_api.domain.categories import Category
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.prices import Course, Price
from graph_api.domain.records import ActorType
from graph_api.domain.watchlists import EntryKind
from graph_api.services.attribution import WEIGHED
from graph_api.store import actors, labels, precedents, prices, tokens
from graph_api.store.actors import ActorRow
from graph_api.store.graph import Graph
from graph_api.store.labels import LabelRow
from graph_api.store.precedents import Meeting, Place
from graph_api.store.prices import Moment, PriceRow
from graph_api.store.tokens import TokenRow
from graph_api.vault import judged
from graph_api.vault.judged import Watching
from graph_api.vault.vault import Door

#: So many labels of a wallet are weighed, those that do not hold any more included.
_LABELS: Final = 5 * WEIGHED
#: So many keys are looked up by one statement.
_AT_ONCE: Final = 500
#: So many ranges of prices are read by one statement.
_RANGES: Final = 40

Key = TypeVar("Key")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is judged.

    Args:
        number: On its lane.
        event: The name that it keeps.
        at: When it happened: its block's time, when a price held, or else when it was learned.
        learned_at: When it was learned.
        cause: What an alert on it hangs on.
    """

    number: int
    event: str
    happening: Happening
    at: datetime
    learned_at: datetime
    cause: str | None


class Candidate(NamedTuple):
    """A rule that may find something in a case."""

    case: Case
    rule: Rule
    kind: AnyKind


class Book:
    """What is known of one batch of cases; each thing is asked for once."""

    def __init__(self, graph: Graph, vault: Door, *, tolerance: timedelta) -> None:
        self._graph, self._vault, self._tolerance = graph, vault, tolerance
        self._labels: dict[AccountId, list[LabelRow]] = {}
        self._actors: dict[str, ActorRow] = {}
        self._lists: dict[str, list[Watching]] = {}
        self._tokens: dict[TokenId, TokenRow] = {}
        self._assets: dict[TokenId, str] = {}
        self._prices: dict[Moment, PriceRow] = {}
        self._met: dict[Meeting, bool | None] = {}
        self._last: dict[Place, datetime] = {}
        self._courses: dict[str, Course] = {}
        self._balances: dict[tuple[Place, TokenId], Balance] = {}

    # To find rules

    async def read_claims(self, cases: Iterable[Case]) -> None:
        """Read what was ever said of the wallets of ``cases``."""
        wallets = {wallet for case in cases for wallet in case.happening.wallets}
        unknown = sorted(wallets - self._labels.keys())
        for some in _portions(unknown, _AT_ONCE):
            found = await labels.ever_of_wallets(self._graph, some, first=_LABELS)
            self._labels.update((wallet, found.get(wallet, [])) for wallet in some)
        said = {row.actor for wallet in unknown for row in self._labels[wallet] if row.actor}
        for names in _portions(sorted(said - self._actors.keys()), _AT_ONCE):
            self._actors.update(await actors.by_ids(self._graph, names))

    async def read_lists(self, cases: Sequence[Case]) -> None:
        """Read which watchlists name the wallets of ``cases``, or those whose they were."""
        wallets = sorted({wallet for case in cases for wallet in case.happening.wallets})
        owners = sorted({owner.id for case in cases for owner in self.owners(case).values()})
        self._lists.update(await judged.watching(self._vault, EntryKind.WALLET, wallets))
        self._lists.update(await judged.watching(self._vault, EntryKind.ACTOR, owners))

    def owners(self, case: Case) -> dict[AccountId, Owner]:
        """Whose the wallets of a case were, as far as labels of that time tell."""
        found = {}
        for wallet in case.happening.wallets:
            held = [row for row in self._labels.get(wallet, ()) if row.holds(case.at)]
            won = winner(held, name=lambda row: row.actor)
            actor = self._actors.get(won.actor) if won is not None and won.actor else None
            if actor is not None:
                found[wallet] = Owner(actor.id, actor.name, actor.type)
        return found

    def sanctions(self, case: Case) -> dict[AccountId, Claim]:
        """Which wallets of a case were under sanctions then, by the surest label."""
        found = {}
        for wallet in case.happening.wallets:
            for row in self._labels.get(wallet, ()):
                if row.holds(case.at) and self._is_sanction(row):
                    found[wallet] = Claim(row.label, row.source)
                    break
        return found

    @property
    def lists(self) -> Mapping[str, Sequence[Watching]]:
        """The watchlists, of all workspaces, that name a wallet or an actor."""
        return self._lists

    # To judge

    async def read_values(self, candidates: Iterable[Candidate]) -> None:
        """Read what is known of tokens, and what they cost at their block's time."""
        cases = _cases(candidates)
        moved = [case.happening for case in cases if isinstance(case.happening, Moved)]
        wanted = {one.token for one in moved if one.token is not None} - self._tokens.keys()
        for some in _portions(sorted(wanted), _AT_ONCE):
            self._tokens.update(await tokens.by_ids(self._graph, some))
            assets = await prices.of_tokens(self._graph, some)
            self._assets.update((token, row.id) for token, row in assets.items())
        moments = {_priced(one, self._assets) for one in moved} - {None} - self._prices.keys()
        await self._read_prices(one for one in moments if one is not None)

    async def read_precedents(self, candidates: Sequence[Candidate]) -> None:
        """Read what was before: dealings, activity, prices of windows, balances."""
        meetings: list[Meeting] = []
        places: list[Place] = []
        for case, rule, kind in candidates:
            needs = kind.needs(rule.condition)
            if not isinstance(case.happening, Moved) or case.happening.sender is None:
                continue
            if Fact.MET in needs:
                meetings.append(_meeting(case.happening, rule, self.known(case, rule)))
            if Fact.IDLE in needs:
                places.append(Place(case.happening.sender, case.happening.order))
        new = set(meetings) - self._met.keys()
        self._met.update(await precedents.met_before(self._graph, sorted(new, key=_by_order)))
        self._last.update(await precedents.last_before(self._graph, places))
        await self._read_courses(candidates)
        await self._read_balances(candidates)

    def known(self, case: Case, rule: Rule) -> Known:
        """What was known of a case, as far as it was read; flows are the caller's."""
        lists = {}
        happening, owners = case.happening, self.owners(case)
        for wallet in happening.wallets:
            named = [*self._lists.get(wallet, ())]
            if wallet in owners:
                named += self._lists.get(owners[wallet].id, ())
            lists[wallet] = frozenset(
                one.watchlist for one in named if one.workspace == rule.workspace
            )
        said: dict[str, Any] = {}
        if isinstance(happening, Moved):
            said = self._of_transfer(happening, rule)
        elif isinstance(happening, Ticked) and isinstance(rule.condition, PriceMove):
            said = {"course": self._course(happening, rule.condition)}
        return Known(owners=owners, lists=lists, sanctions=self.sanctions(case), **said)

    def _of_transfer(self, moved: Moved, rule: Rule) -> dict[str, Any]:
        said: dict[str, Any] = {"price": self._price(moved)}
        token = self._tokens.get(moved.token) if moved.token is not None else None
        if token is not None:
            said["token"] = TokenFacts(token.symbol, token.decimals)
        if moved.sender is not None:
            said["last_at"] = self._last.get(Place(moved.sender, moved.order))
            said["met"] = next(
                (self._met[key] for key in _meetings(moved) if key in self._met), None
            )
        if isinstance(rule.condition, BalanceThreshold):
            key = Place(rule.condition.wallet, moved.order), rule.condition.token
            said["balance"] = self._balances.get(key)
        return said

    def _price(self, moved: Moved) -> Price | None:
        moment = _priced(moved, self._assets)
        row = self._prices.get(moment) if moment is not None else None
        if moment is None or moment.at is None or row is None:
            return None
        return None if row.at < moment.at - self._tolerance else _price(row)

    def _course(self, ticked: Ticked, condition: PriceMove) -> tuple[Price, ...]:
        at, asset = ticked.price.at, condition.asset
        since = at - 1_000 * condition.window_s
        course = self._courses.get(asset)
        found = [] if course is None else list(course.between(since, at - 1))
        held = self._prices.get(_began(ticked, condition))
        if held is not None and milliseconds(held.at) < since:
            found.insert(0, _price(held))
        return tuple(found)

    async def _read_courses(self, candidates: Iterable[Candidate]) -> None:
        spans: dict[str, tuple[int, int]] = {}
        begins: set[Moment] = set()
        for case, rule, _ in candidates:
            happening, condition = case.happening, rule.condition
            if not isinstance(happening, Ticked) or not isinstance(condition, PriceMove):
                continue
            at, asset = happening.price.at, condition.asset
            first, last = spans.get(asset, (at, at))
            spans[asset] = min(first, at - 1_000 * condition.window_s), max(last, at)
            begins.add(_began(happening, condition))
        for asset, (first, last) in spans.items():
            self._courses[asset] = await prices.course(self._graph, asset, first=first, last=last)
        await self._read_prices(begins - self._prices.keys())

    async def _read_balances(self, candidates: Iterable[Candidate]) -> None:
        orders: dict[tuple[AccountId, TokenId], set[str]] = {}
        for case, rule, _ in candidates:
            condition, moved = rule.condition, case.happening
            if isinstance(condition, BalanceThreshold) and isinstance(moved, Moved):
                orders.setdefault((condition.wallet, condition.token), set()).add(moved.order)
        for (wallet, token), some in orders.items():
            nets = await precedents.nets_after(self._graph, wallet, token, some)
            self._balances.update(
                ((Place(wallet, order), token), Balance(net.raw, net.complete))
                for order, net in nets.items()
            )

    async def _read_prices(self, moments: Iterable[Moment]) -> None:
        ordered = sorted(moments, key=lambda one: (one.asset, one.at))
        for some in _portions(ordered, _RANGES):
            self._prices.update(await prices.at(self._graph, some))

    def _is_sanction(self, row: LabelRow) -> bool:
        if row.category == Category.SANCTIONED:
            return True
        actor = self._actors.get(row.actor) if row.actor else None
        return actor is not None and actor.type == ActorType.SANCTIONED


def _cases(candidates: Iterable[Candidate]) -> list[Case]:
    return list({one.case.event: one.case for one in candidates}.values())


def _priced(moved: Moved, assets: Mapping[TokenId, str]) -> Moment | None:
    asset = assets.get(moved.token) if moved.token is not None else None
    return None if asset is None or moved.at is None else Moment(asset=asset, at=moved.at)


def _began(ticked: Ticked, condition: PriceMove) -> Moment:
    """The moment at which the window of a rule begins for a tick."""
    return Moment(asset=condition.asset, at=ticked.at - timedelta(seconds=condition.window_s))


def _price(row: PriceRow) -> Price:
    return Price(asset=row.asset, usd=Decimal(row.usd), at=milliseconds(row.at), source=row.source)


def _meetings(moved: Moved) -> Iterator[Meeting]:
    sender, recipient = moved.sender, moved.recipient
    if sender is not None:
        yield Meeting(sender, recipient, moved.order, moved.at)
        yield Meeting(recipient, sender, moved.order, moved.at)


def _meeting(moved: Moved, rule: Rule, known: Known) -> Meeting:
    """Asked of the wallet that is watched, which is less likely to be a hub."""
    ours, theirs = _meetings(moved)
    condition = rule.condition
    assert isinstance(condition, NewCounterparty)
    return ours if is_watched(condition.subjects, moved.sender, known) else theirs


def _by_order(meeting: Meeting) -> tuple[str, str]:
    return meeting.order, meeting.wallet


def _portions(keys: Iterable[Key], size: int) -> Iterator[list[Key]]:
    wanted = iter(keys)
    while some := list(islice(wanted, size)):
        yield some
