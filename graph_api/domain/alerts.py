"""Alert rules, what they raise, and what makes two alerts the same.

A rule belongs to a workspace and judges events after its creation. Each kind of rule is a struct of
its own conditions; an amount in base units is whole, one in dollars is exact decimal.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

import msgspec

from graph_api.domain.chains import Family
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, TokenId, chain_of_id
from graph_api.domain.records import ActorType

#: Windows of rules are this long at most.
MAX_WINDOW: Final = timedelta(days=30)
#: So many wallets, tokens or actors one rule may name; more belong into a watchlist.
MAX_NAMED: Final = 100


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Direction(StrEnum):
    """Seen from the wallet or actor that a rule watches."""

    IN = "in"
    OUT = "out"
    EITHER = "either"


class Subjects(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a rule watches: wallets, those of actors, and those of a watchlist, taken together."""

    wallets: tuple[AccountId, ...] = ()
    actors: tuple[str, ...] = ()
    actor_types: tuple[ActorType, ...] = ()
    watchlist: str | None = None


class Size(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much has to move: each bound that is given must be reached, of one of the tokens.

    A bound in dollars is not reached while nobody knows the price at the block's time.
    """

    chains: tuple[ChainId, ...] = ()
    tokens: tuple[TokenId, ...] = ()
    min_amount_raw: int | None = None
    min_amount: Decimal | None = None
    min_usd: Decimal | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What a rule looks for; each kind is one of the structs below."""


class LargeTransfer(Condition, frozen=True, kw_only=True, tag="large_transfer"):
    """A transfer of at least this size, between whomever."""

    size: Size


class WatchedMoved(Condition, frozen=True, kw_only=True, tag="watched_moved"):
    """A watched wallet sends or receives."""

    subjects: Subjects
    direction: Direction = Direction.EITHER
    size: Size = Size()


class NewCounterparty(Condition, frozen=True, kw_only=True, tag="new_counterparty"):
    """A watched wallet meets a wallet that it had never sent to nor received from."""

    subjects: Subjects
    direction: Direction = Direction.EITHER
    size: Size = Size()


class ActorFlow(Condition, frozen=True, kw_only=True, tag="actor_flow"):
    """What flows into or out of the watched, within ``window_s``, reaches ``min_usd``."""

    subjects: Subjects
    direction: Direction
    window_s: int
    min_usd: Decimal


class BalanceThreshold(Condition, frozen=True, kw_only=True, tag="balance_threshold"):
    """A wallet's balance of a token crosses a bound: falls below it, or reaches it from below."""

    wallet: AccountId
    token: TokenId
    below_raw: int | None = None
    above_raw: int | None = None


class DormantWakes(Condition, frozen=True, kw_only=True, tag="dormant_wakes"):
    """A wallet sends after ``idle_s`` without a transfer; any wallet when none is named."""

    idle_s: int
    subjects: Subjects = Subjects()
    size: Size = Size()


class PriceMove(Condition, frozen=True, kw_only=True, tag="price_move"):
    """An asset's price moves by at least ``min_change_bps`` within ``window_s``."""

    asset: str
    window_s: int
    min_change_bps: int
    direction: Direction = Direction.EITHER
    """IN stands for up, OUT for down."""


class OtcScore(Condition, frozen=True, kw_only=True, tag="otc_score"):
    """A transfer or settlement is taken for OTC with at least ``min_score`` (0 to 1)."""

    min_score: float
    subjects: Subjects = Subjects()
    size: Size = Size()


class SanctionedCounterparty(Condition, frozen=True, kw_only=True, tag="sanctioned_counterparty"):
    """A watched wallet, or any when none is named, deals with one under sanctions."""

    subjects: Subjects = Subjects()
    direction: Direction = Direction.EITHER
    size: Size = Size()


class IssuerFreeze(Condition, frozen=True, kw_only=True, tag="issuer_freeze"):
    """The issuer of a stablecoin freezes, or frees, a wallet; any when none is named."""

    tokens: tuple[TokenId, ...] = ()
    subjects: Subjects = Subjects()


AnyCondition = (
    LargeTransfer
    | WatchedMoved
    | NewCounterparty
    | ActorFlow
    | BalanceThreshold
    | DormantWakes
    | PriceMove
    | OtcScore
    | SanctionedCounterparty
    | IssuerFreeze
)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An alert rule of a workspace; ``principal`` made it.

    Args:
        cool_down_s: After an alert the same rule and subject raise none for so long (block time).
        enabled: A rule that is off judges nothing, and what passed meanwhile stays unjudged.
        muted_until: Alerts are raised, kept and streamed, but nobody is notified until then.
        created_at, judges_from: Only events that were learned after ``judges_from`` are judged: its
            creation, or when its condition was changed or it was switched on again.
    """

    id: str
    workspace: str
    principal: str
    name: str
    condition: AnyCondition
    severity: Severity
    cool_down_s: int = 0
    enabled: bool = True
    muted_until: datetime | None = None
    created_at: datetime
    changed_at: datetime
    judges_from: datetime


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule finds in one event.

    Args:
        subject: What the rule watches in it, such as a wallet; cool-down counts by it.
        title: One sentence for a person.
        facts: What it was judged by, as plain JSON: amounts, the price that was used, the window.
    """

    subject: str
    title: str
    facts: dict[str, Any]


class AlertNews(StrEnum):
    """What becomes of an alert; subscribers hear of each once."""

    RAISED = "raised"
    RETRACTED = "retracted"
    ACKNOWLEDGED = "acknowledged"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule raised on an event: once, whoever judges it how often.

    Args:
        number: Its place in the workspace's alerts, from 1, without a gap.
        event: The name that the event keeps (``Batch.id_of``).
        event_at: When it happened: the block's time, or when the price held.
        retracted_at: When the event was taken back by its chain; None while it stands.
    """

    id: str
    workspace: str
    principal: str
    number: int
    rule: str
    rule_name: str
    kind: str
    severity: Severity
    subject: str
    title: str
    facts: dict[str, Any]
    event: str
    event_at: datetime
    raised_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    retracted_at: datetime | None = None


def kind_of(condition: Condition) -> str:
    """The word for the kind of a condition."""
    return str(condition.__struct_config__.tag)


def alert_id(workspace: str, rule: str, event: str, subject: str) -> str:
    """The same for the same rule, event and subject, whoever judges."""
    text = "\x1f".join((workspace, rule, event, subject))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def speaks_for(last_at: datetime, event_at: datetime, *, quiet: timedelta) -> bool:
    """Whether an alert of ``last_at`` speaks for another one of the same rule and subject too.

    Blocks of some chains go back in time a little: what is just before it is meant as well.
    """
    return abs(event_at - last_at) < quiet


def check(condition: Condition) -> None:
    """Refuse a condition that could never hold, or that names too much. Raises: BadInput."""
    for named in _named(condition):
        if len(named) > MAX_NAMED:
            raise BadInput(f"A rule names up to {MAX_NAMED}; put more into a watchlist.")
    window_s = getattr(condition, "window_s", None)
    if window_s is not None and not 1 <= window_s <= MAX_WINDOW.total_seconds():
        raise BadInput(f"A window is 1 second to {MAX_WINDOW.days} days long.")
    match condition:
        case LargeTransfer(size=size) if not _bounded(size):
            raise BadInput("Say how large: minAmountRaw, minAmount or minUsd.")
        case WatchedMoved() | NewCounterparty() | ActorFlow() if not _any(condition.subjects):
            raise BadInput("Say whom to watch: wallets, actors, actorTypes or a watchlist.")
        case ActorFlow(min_usd=least) if least <= 0:
            raise BadInput("minUsd is above 0.")
        case ActorFlow(direction=Direction.EITHER):
            raise BadInput("A flow goes IN or OUT.")
        case BalanceThreshold(below_raw=below, above_raw=above) if (below is None) == (
            above is None
        ):
            raise BadInput("Give belowRaw or aboveRaw, and not both.")
        case BalanceThreshold(wallet=wallet) if chain_of_id(wallet).family is Family.UTXO:
            raise BadInput(
                f"Balances on {chain_of_id(wallet).name} cannot be judged transfer by transfer; "
                "watch the wallet with a size instead."
            )
        case DormantWakes(idle_s=idle) if idle < 1:
            raise BadInput("A dormant wallet was idle for 1 second at least.")
        case PriceMove(min_change_bps=least) if least < 1:
            raise BadInput("minChangeBps is 1 at least.")
        case OtcScore(min_score=least) if not 0 <= least <= 1:
            raise BadInput("minScore is a number from 0 to 1.")
        case _:
            pass


def _named(condition: Condition) -> list[tuple[Any, ...]]:
    subjects = getattr(condition, "subjects", Subjects())
    size = getattr(condition, "size", Size())
    return [
        subjects.wallets,
        subjects.actors,
        size.tokens,
        size.chains,
        getattr(condition, "tokens", ()),
    ]


def _bounded(size: Size) -> bool:
    bounds = (size.min_amount_raw, size.min_amount, size.min_usd)
    return any(bound is not None for bound in bounds)


def _any(subjects: Subjects) -> bool:
    return subjects != Subjects()
