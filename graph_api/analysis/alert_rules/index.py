"""Which rules an event may concern, found by what it names and not by asking every rule.

A rule is filed under each thing that it names: wallets, watchlists, actors, tokens, an asset. Rules
that name nothing look at every event of their kind; among those that share a place, only the ones
whose amount in base units may be reached are looked at.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, Final

from graph_api.analysis.alert_rules.facts import Claim, Fact, Owner
from graph_api.analysis.alert_rules.happenings import Happening, Ticked
from graph_api.analysis.alert_rules.kind import AnyKind
from graph_api.analysis.alert_rules.rules import kind_for
from graph_api.domain.alerts import (
    BalanceThreshold,
    Condition,
    PriceMove,
    Rule,
    SanctionedCounterparty,
    Size,
    Subjects,
)
from graph_api.domain.ids import AccountId

#: What a rule is filed under, or an event looked up by.
Key = tuple[str, ...]

_EVERYTHING: Final[Key] = ("everything",)
_SANCTIONED: Final[Key] = ("sanctioned",)
#: What has to be known of events before rules can be looked up.
_TO_FIND: Final = frozenset({Fact.OWNERS, Fact.LISTS, Fact.SANCTIONS})


class _Shelf:
    """Rules in the order of the least base units that they ask for."""

    def __init__(self) -> None:
        self._floors: list[int] = []
        self._rules: list[tuple[Rule, AnyKind]] = []

    def add(self, floor: int, rule: Rule, kind: AnyKind) -> None:
        place = bisect_right(self._floors, floor)
        self._floors.insert(place, floor)
        self._rules.insert(place, (rule, kind))

    def upto(self, amount_raw: int) -> Iterable[tuple[Rule, AnyKind]]:
        return self._rules[: bisect_right(self._floors, amount_raw)]


class RuleIndex:
    """Rules of any workspaces; built anew when one of them changes."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._shelves: dict[tuple[type[Any], Key], _Shelf] = {}
        needed = set[Fact]()
        for rule in sorted(rules, key=lambda rule: (rule.workspace, rule.id)):
            kind = kind_for(rule.condition)
            floor = _size(rule.condition).min_amount_raw or 0
            needed |= kind.needs(rule.condition) & _TO_FIND
            for key in _keys(rule):
                shelf = self._shelves.setdefault((kind.happening, key), _Shelf())
                shelf.add(floor, rule, kind)
        #: What has to be told to ``find``.
        self.needs = frozenset(needed)

    def find(
        self,
        happening: Happening,
        *,
        owners: Mapping[AccountId, Owner],
        lists: Mapping[str, Iterable[tuple[str, str]]],
        sanctions: Mapping[AccountId, Claim],
    ) -> list[tuple[Rule, AnyKind]]:
        """The rules that may find something, by workspace and id.

        ``lists`` are workspace and id of those that name a wallet or an actor, by its id.
        """
        amount_raw = getattr(happening, "amount_raw", None) or 0
        found: dict[tuple[str, str], tuple[Rule, AnyKind]] = {}
        for key in _looked_up(happening, owners, lists, sanctions):
            shelf = self._shelves.get((type(happening), key))
            for rule, kind in shelf.upto(amount_raw) if shelf else ():
                if kind.may(rule.condition, happening):
                    found[rule.workspace, rule.id] = (rule, kind)
        return [found[key] for key in sorted(found)]


def _keys(rule: Rule) -> set[Key]:
    """What the rule is filed under: it can only find something where one of them is looked up."""
    condition = rule.condition
    match condition:
        case PriceMove(asset=asset):
            return {("asset", asset)}
        case BalanceThreshold(wallet=wallet):
            return {("wallet", wallet)}
    subjects: Subjects = getattr(condition, "subjects", Subjects())
    keys: set[Key] = {("wallet", wallet) for wallet in subjects.wallets}
    keys |= {("actor", actor) for actor in subjects.actors}
    keys |= {("type", type.value) for type in subjects.actor_types}
    if subjects.watchlist is not None:
        keys.add(("list", rule.workspace, subjects.watchlist))
    if keys:
        return keys
    if isinstance(condition, SanctionedCounterparty):
        return {_SANCTIONED}
    tokens = getattr(condition, "tokens", ()) or _size(condition).tokens
    return {("token", token) for token in tokens} or {_EVERYTHING}


def _looked_up(
    happening: Happening,
    owners: Mapping[AccountId, Owner],
    lists: Mapping[str, Iterable[tuple[str, str]]],
    sanctions: Mapping[AccountId, Claim],
) -> Iterable[Key]:
    yield _EVERYTHING
    if isinstance(happening, Ticked):
        yield ("asset", happening.price.asset)
        return
    if happening.token is not None:
        yield ("token", happening.token)
    for wallet in happening.wallets:
        yield ("wallet", wallet)
        if wallet in sanctions:
            yield _SANCTIONED
        named = [wallet] if (owner := owners.get(wallet)) is None else [wallet, owner.id]
        for name in named:
            for workspace, watchlist in lists.get(name, ()):
                yield ("list", workspace, watchlist)
        if owner is not None:
            yield ("actor", owner.id)
            yield ("type", owner.type)


def _size(condition: Condition) -> Size:
    size: Size = getattr(condition, "size", Size())
    return size
