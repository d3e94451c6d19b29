"""All kinds of rules, and the way from a condition to its kind."""

from typing import Final

from graph_api.analysis.alert_rules.desks import ISSUER_FREEZE, OTC_SCORE
from graph_api.analysis.alert_rules.kind import AnyKind
from graph_api.analysis.alert_rules.markets import PRICE_MOVE
from graph_api.analysis.alert_rules.totals import ACTOR_FLOW, BALANCE_THRESHOLD
from graph_api.analysis.alert_rules.transfers import (
    DORMANT_WAKES,
    LARGE_TRANSFER,
    NEW_COUNTERPARTY,
    SANCTIONED_COUNTERPARTY,
    WATCHED_MOVED,
)
from graph_api.domain.alerts import Condition

#: Every kind of rule; a new one is a module's ``Kind`` and its place here.
RULES: Final[tuple[AnyKind, ...]] = (
    LARGE_TRANSFER,
    WATCHED_MOVED,
    NEW_COUNTERPARTY,
    ACTOR_FLOW,
    BALANCE_THRESHOLD,
    DORMANT_WAKES,
    PRICE_MOVE,
    OTC_SCORE,
    SANCTIONED_COUNTERPARTY,
    ISSUER_FREEZE,
)

_BY_CONDITION: Final = {kind.condition: kind for kind in RULES}


def kind_for(condition: Condition) -> AnyKind:
    """The kind of a condition."""
    return _BY_CONDITION[type(condition)]
