"""Conditions of alert rules: what each kind looks for, as clients read it and as they write it."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

import strawberry

from graph_api.domain import alerts
from graph_api.domain.alerts import MAX_NAMED, MAX_WINDOW, AnyCondition, Direction
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.domain.records import ActorType
from graph_api.schema.arguments import plain
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched
from graph_api.schema.watchlists import Watchlist
from graph_api.services import watchlists

_WINDOW: Final = f"How far back is looked, seconds, up to {MAX_WINDOW.days} days."
_NAMED: Final = f"up to {MAX_NAMED}"

strawberry.enum(
    Direction,
    name="AlertDirection",
    description="Which way value moves, seen from whom a rule watches; of prices, IN is up.",
)


@strawberry.enum(name="AlertRuleKind", description="What a rule looks for.")
class RuleKind(StrEnum):
    """The kinds by the words of their conditions."""

    LARGE_TRANSFER = "large_transfer"
    WATCHED_MOVED = "watched_moved"
    NEW_COUNTERPARTY = "new_counterparty"
    ACTOR_FLOW = "actor_flow"
    BALANCE_THRESHOLD = "balance_threshold"
    DORMANT_WAKES = "dormant_wakes"
    PRICE_MOVE = "price_move"
    OTC_SCORE = "otc_score"
    SANCTIONED_COUNTERPARTY = "sanctioned_counterparty"
    ISSUER_FREEZE = "issuer_freeze"


@strawberry.type(description="Whom a rule watches: all of these taken together.")
class AlertSubjects:
    """Wallets, those of actors, and those of a watchlist."""

    wallets: list[AccountId] = strawberry.field(description="These wallets.")
    actors: list[str] = strawberry.field(description="The wallets of these actors, by their ids.")
    actor_types: list[ActorType] = strawberry.field(
        description="The wallets of all actors of these types."
    )
    watchlist_id: str | None = strawberry.field(
        description="The wallets, and those of the actors, on this watchlist."
    )

    watchlist: Watchlist | None = batched(
        watchlists.by_ids,
        key="watchlist_id",
        of=Watchlist.of,
        description="That watchlist; null where none is named.",
    )

    @classmethod
    def of(cls, found: alerts.Subjects) -> "AlertSubjects":
        """As clients see it."""
        return cls(
            wallets=list(found.wallets),
            actors=list(found.actors),
            actor_types=list(found.actor_types),
            watchlist_id=found.watchlist,
        )


@strawberry.type(description="How much has to move: every bound that is given must be reached.")
class AlertSize:
    """Of one of the tokens."""

    chains: list[ChainId] = strawberry.field(description="Only on these chains; empty: on all.")
    tokens: list[TokenId] = strawberry.field(description="Only of these tokens; empty: of all.")
    min_amount_raw: BigInt | None = strawberry.field(
        description="At least so many base units (wei, satoshi)."
    )
    min_amount: Decimal | None = strawberry.field(
        description="At least so many whole units, of tokens with known decimals."
    )
    min_usd: Decimal | None = strawberry.field(
        description="Worth at least so many US dollars at the time of its block."
    )

    @classmethod
    def of(cls, found: alerts.Size) -> "AlertSize":
        """As clients see it."""
        raw = found.min_amount_raw
        return cls(
            chains=list(found.chains),
            tokens=list(found.tokens),
            min_amount_raw=None if raw is None else BigInt(raw),
            min_amount=found.min_amount,
            min_usd=found.min_usd,
        )


@strawberry.input(
    name="AlertSubjectsInput",
    description=f"Whom a rule watches: all of these taken together. Lists take {_NAMED}.",
)
class SubjectsInput:
    """Wallets, those of actors, and those of a watchlist."""

    wallets: list[AccountId] | None = strawberry.field(default=None, description="These wallets.")
    actors: list[str] | None = strawberry.field(
        default=None, description="The wallets of these actors, by their ids."
    )
    actor_types: list[ActorType] | None = strawberry.field(
        default=None, description="The wallets of all actors of these types."
    )
    watchlist: str | None = strawberry.field(
        default=None,
        description="The wallets, and those of the actors, on the watchlist of this id.",
    )

    def asked(self) -> alerts.Subjects:
        """Whom to watch."""
        return alerts.Subjects(
            wallets=_each(self.wallets),
            actors=_each(self.actors),
            actor_types=_each(self.actor_types),
            watchlist=self.watchlist,
        )


@strawberry.input(
    name="AlertSizeInput",
    description=(
        "How much has to move: every bound that is given must be reached. Lists take "
        f"{_NAMED}; a bound in dollars is not reached where no price is known."
    ),
)
class SizeInput:
    """Of one of the tokens."""

    chains: list[ChainId] | None = strawberry.field(
        default=None, description="Only on these chains."
    )
    tokens: list[TokenId] | None = strawberry.field(
        default=None, description="Only of these tokens."
    )
    min_amount_raw: BigInt | None = strawberry.field(
        default=None, description="At least so many base units (wei, satoshi)."
    )
    min_amount: Decimal | None = strawberry.field(
        default=None, description="At least so many whole units, of tokens with known decimals."
    )
    min_usd: Decimal | None = strawberry.field(
        default=None, description="Worth at least so many US dollars at the time of its block."
    )

    def asked(self) -> alerts.Size:
        """How much. Raises: BadInput."""
        for least in (self.min_amount_raw, self.min_amount, self.min_usd):
            if least is not None and least < 0:
                raise BadInput("Nothing moves less than 0; leave a bound out instead.")
        return alerts.Size(
            chains=_each(self.chains),
            tokens=_each(self.tokens),
            min_amount_raw=None if self.min_amount_raw is None else int(self.min_amount_raw),
            min_amount=self.min_amount,
            min_usd=self.min_usd,
        )


@strawberry.type(description="A transfer of at least this size, between whomever.")
class LargeTransferCondition:
    """Of a LARGE_TRANSFER."""

    size: AlertSize = strawberry.field(description="How large.")


@strawberry.input(description="A transfer of at least this size, between whomever.")
class LargeTransferInput:
    """Of a LARGE_TRANSFER."""

    size: SizeInput = strawberry.field(description="How large; at least one bound is given.")


@strawberry.type(description="A watched wallet sends or receives.")
class WatchedMovedCondition:
    """Of a WATCHED_MOVED."""

    subjects: AlertSubjects = strawberry.field(description="Whom it watches.")
    direction: Direction = strawberry.field(description="Which way.")
    size: AlertSize = strawberry.field(description="How much has to move.")


@strawberry.input(description="A watched wallet sends or receives.")
class WatchedMovedInput:
    """Of a WATCHED_MOVED."""

    subjects: SubjectsInput = strawberry.field(description="Whom to watch.")
    direction: Direction = strawberry.field(default=Direction.EITHER, description="Which way.")
    size: SizeInput | None = strawberry.field(
        default=None, description="How much has to move; anything when not given."
    )


@strawberry.type(description="A watched wallet meets a wallet that it had never dealt with.")
class NewCounterpartyCondition:
    """Of a NEW_COUNTERPARTY."""

    subjects: AlertSubjects = strawberry.field(description="Whom it watches.")
    direction: Direction = strawberry.field(description="Which way.")
    size: AlertSize = strawberry.field(description="How much has to move.")


@strawberry.input(description="A watched wallet meets a wallet that it had never dealt with.")
class NewCounterpartyInput:
    """Of a NEW_COUNTERPARTY."""

    subjects: SubjectsInput = strawberry.field(description="Whom to watch.")
    direction: Direction = strawberry.field(default=Direction.EITHER, description="Which way.")
    size: SizeInput | None = strawberry.field(
        default=None, description="How much has to move; anything when not given."
    )


@strawberry.type(description="What flows into or out of the watched, in a window, reaches a bound.")
class ActorFlowCondition:
    """Of an ACTOR_FLOW."""

    subjects: AlertSubjects = strawberry.field(description="Whom it watches, taken together.")
    direction: Direction = strawberry.field(description="IN or OUT.")
    window_s: int = strawberry.field(description=_WINDOW)
    min_usd: Decimal = strawberry.field(description="At least so many US dollars in the window.")


@strawberry.input(
    description="What flows into or out of the watched, in a window, reaches a bound."
)
class ActorFlowInput:
    """Of an ACTOR_FLOW."""

    subjects: SubjectsInput = strawberry.field(description="Whom to watch, taken together.")
    direction: Direction = strawberry.field(description="IN or OUT.")
    window_s: int = strawberry.field(description=_WINDOW)
    min_usd: Decimal = strawberry.field(description="At least so many US dollars in the window.")


@strawberry.type(description="A wallet's balance of a token falls below a bound, or reaches it.")
class BalanceThresholdCondition:
    """Of a BALANCE_THRESHOLD."""

    account_id: AccountId = strawberry.field(description="Whose balance.")
    token_id: TokenId = strawberry.field(description="Of which token.")
    below_raw: BigInt | None = strawberry.field(
        description="It falls below so many base units; null where it is to reach `aboveRaw`."
    )
    above_raw: BigInt | None = strawberry.field(
        description="It reaches so many base units from below; null for `belowRaw`."
    )


@strawberry.input(description="A wallet's balance of a token falls below a bound, or reaches it.")
class BalanceThresholdInput:
    """Of a BALANCE_THRESHOLD."""

    wallet: AccountId = strawberry.field(description="Whose balance.")
    token: TokenId = strawberry.field(description="Of which token.")
    below_raw: BigInt | None = strawberry.field(
        default=None, description="It falls below so many base units; this or `aboveRaw`."
    )
    above_raw: BigInt | None = strawberry.field(
        default=None, description="It reaches so many base units from below."
    )


@strawberry.type(description="A wallet sends that had been idle for long.")
class DormantWakesCondition:
    """Of a DORMANT_WAKES."""

    idle_s: BigInt = strawberry.field(description="It had no transfer for so many seconds.")
    subjects: AlertSubjects = strawberry.field(
        description="Whom it watches; any wallet where it names none."
    )
    size: AlertSize = strawberry.field(description="How much has to move.")


@strawberry.input(description="A wallet sends that had been idle for long.")
class DormantWakesInput:
    """Of a DORMANT_WAKES."""

    idle_s: BigInt = strawberry.field(description="It had no transfer for so many seconds.")
    subjects: SubjectsInput | None = strawberry.field(
        default=None, description="Whom to watch; any wallet when not given."
    )
    size: SizeInput | None = strawberry.field(
        default=None, description="How much has to move; anything when not given."
    )


@strawberry.type(description="An asset's price moves within a window.")
class PriceMoveCondition:
    """Of a PRICE_MOVE."""

    asset: str = strawberry.field(description="Its id, such as `ether`.")
    window_s: int = strawberry.field(description=_WINDOW)
    min_change_bps: int = strawberry.field(description="At least so many basis points (0.01 %).")
    direction: Direction = strawberry.field(description="IN for up, OUT for down.")


@strawberry.input(description="An asset's price moves within a window.")
class PriceMoveInput:
    """Of a PRICE_MOVE."""

    asset: str = strawberry.field(description="Its id, such as `ether`; `assets` lists them.")
    window_s: int = strawberry.field(description=_WINDOW)
    min_change_bps: int = strawberry.field(description="At least so many basis points (0.01 %).")
    direction: Direction = strawberry.field(
        default=Direction.EITHER, description="IN for up, OUT for down."
    )


@strawberry.type(description="A transfer or settlement is taken for OTC.")
class OtcScoreCondition:
    """Of an OTC_SCORE."""

    min_score: float = strawberry.field(description="With at least this score, 0 to 1.")
    subjects: AlertSubjects = strawberry.field(
        description="Whom it watches; any wallet where it names none."
    )
    size: AlertSize = strawberry.field(description="How much has to move.")


@strawberry.input(description="A transfer or settlement is taken for OTC.")
class OtcScoreInput:
    """Of an OTC_SCORE."""

    min_score: float = strawberry.field(description="With at least this score, 0 to 1.")
    subjects: SubjectsInput | None = strawberry.field(
        default=None, description="Whom to watch; any wallet when not given."
    )
    size: SizeInput | None = strawberry.field(
        default=None, description="How much has to move; anything when not given."
    )


@strawberry.type(description="A wallet deals with one that is under sanctions.")
class SanctionedCounterpartyCondition:
    """Of a SANCTIONED_COUNTERPARTY."""

    subjects: AlertSubjects = strawberry.field(
        description="Whom it watches; any wallet where it names none."
    )
    direction: Direction = strawberry.field(description="Which way.")
    size: AlertSize = strawberry.field(description="How much has to move.")


@strawberry.input(description="A wallet deals with one that is under sanctions.")
class SanctionedCounterpartyInput:
    """Of a SANCTIONED_COUNTERPARTY."""

    subjects: SubjectsInput | None = strawberry.field(
        default=None, description="Whom to watch; any wallet when not given."
    )
    direction: Direction = strawberry.field(default=Direction.EITHER, description="Which way.")
    size: SizeInput | None = strawberry.field(
        default=None, description="How much has to move; anything when not given."
    )


@strawberry.type(description="The issuer of a token freezes, frees or empties a wallet.")
class IssuerFreezeCondition:
    """Of an ISSUER_FREEZE."""

    tokens: list[TokenId] = strawberry.field(description="Of these tokens; empty: of any.")
    subjects: AlertSubjects = strawberry.field(
        description="Whom it watches; any wallet where it names none."
    )


@strawberry.input(description="The issuer of a token freezes, frees or empties a wallet.")
class IssuerFreezeInput:
    """Of an ISSUER_FREEZE."""

    tokens: list[TokenId] | None = strawberry.field(
        default=None, description=f"Of these tokens, {_NAMED}; of any when not given."
    )
    subjects: SubjectsInput | None = strawberry.field(
        default=None, description="Whom to watch; any wallet when not given."
    )


AlertCondition = Annotated[
    LargeTransferCondition
    | WatchedMovedCondition
    | NewCounterpartyCondition
    | ActorFlowCondition
    | BalanceThresholdCondition
    | DormantWakesCondition
    | PriceMoveCondition
    | OtcScoreCondition
    | SanctionedCounterpartyCondition
    | IssuerFreezeCondition,
    strawberry.union("AlertCondition", description="What a rule looks for, by its kind."),
]


@strawberry.input(
    name="AlertConditionInput", one_of=True, description="What a rule looks for: one kind of it."
)
class ConditionInput:
    """Exactly one of its fields is given."""

    large_transfer: LargeTransferInput | None = strawberry.field(
        default=strawberry.UNSET, description="A transfer of at least this size."
    )
    watched_moved: WatchedMovedInput | None = strawberry.field(
        default=strawberry.UNSET, description="A watched wallet sends or receives."
    )
    new_counterparty: NewCounterpartyInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="A watched wallet meets a wallet that it had never dealt with.",
    )
    actor_flow: ActorFlowInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="What flows into or out of the watched, in a window, reaches a bound.",
    )
    balance_threshold: BalanceThresholdInput | None = strawberry.field(
        default=strawberry.UNSET, description="A balance falls below a bound, or reaches it."
    )
    dormant_wakes: DormantWakesInput | None = strawberry.field(
        default=strawberry.UNSET, description="A wallet sends that had been idle for long."
    )
    price_move: PriceMoveInput | None = strawberry.field(
        default=strawberry.UNSET, description="An asset's price moves within a window."
    )
    otc_score: OtcScoreInput | None = strawberry.field(
        default=strawberry.UNSET, description="A transfer or settlement is taken for OTC."
    )
    sanctioned_counterparty: SanctionedCounterpartyInput | None = strawberry.field(
        default=strawberry.UNSET, description="A wallet deals with one that is under sanctions."
    )
    issuer_freeze: IssuerFreezeInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="The issuer of a token freezes, frees or empties a wallet.",
    )

    def asked(self) -> AnyCondition:
        """The condition. Raises: BadInput."""
        for name, kind in _KINDS.items():
            given = getattr(self, name)
            if given:
                # What is not given is as the condition has it.
                values = {field: plain(value) for field, value in vars(given).items()}
                return kind(**{one: value for one, value in values.items() if value is not None})
        raise BadInput("Say by exactly one field what the rule looks for.")


#: The conditions by the fields of their inputs, which have the same properties.
_KINDS: Final[dict[str, Callable[..., AnyCondition]]] = {
    "large_transfer": alerts.LargeTransfer,
    "watched_moved": alerts.WatchedMoved,
    "new_counterparty": alerts.NewCounterparty,
    "actor_flow": alerts.ActorFlow,
    "balance_threshold": alerts.BalanceThreshold,
    "dormant_wakes": alerts.DormantWakes,
    "price_move": alerts.PriceMove,
    "otc_score": alerts.OtcScore,
    "sanctioned_counterparty": alerts.SanctionedCounterparty,
    "issuer_freeze": alerts.IssuerFreeze,
}


def condition_of(found: AnyCondition) -> Any:
    """As clients see it."""
    shown, values = _SHOWN[type(found)], {}
    for name in found.__struct_fields__:
        value = getattr(found, name)
        match value:
            case alerts.Subjects():
                value = AlertSubjects.of(value)
            case alerts.Size():
                value = AlertSize.of(value)
            case tuple():
                value = list(value)
        values[_RENAMED.get(name, name)] = value
    return shown(**values)


_RENAMED: Final = {"wallet": "account_id", "token": "token_id"}
_SHOWN: Final[dict[type[alerts.Condition], Callable[..., Any]]] = {
    alerts.LargeTransfer: LargeTransferCondition,
    alerts.WatchedMoved: WatchedMovedCondition,
    alerts.NewCounterparty: NewCounterpartyCondition,
    alerts.ActorFlow: ActorFlowCondition,
    alerts.BalanceThreshold: BalanceThresholdCondition,
    alerts.DormantWakes: DormantWakesCondition,
    alerts.PriceMove: PriceMoveCondition,
    alerts.OtcScore: OtcScoreCondition,
    alerts.SanctionedCounterparty: SanctionedCounterpartyCondition,
    alerts.IssuerFreeze: IssuerFreezeCondition,
}


def _each(given: list[Any] | None) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(given or ()))
