"""Rules about sums: what flows within a window, and balances that cross a bound."""

from decimal import Decimal, localcontext
from typing import Final

from graph_api.analysis.alert_rules.facts import (
    OF_SIZE,
    Fact,
    Known,
    clean,
    dollars_said,
    is_watched,
    named,
    needed_for,
    plain,
    shortened,
    span_said,
    told,
    worth_micros,
)
from graph_api.analysis.alert_rules.happenings import Moved
from graph_api.analysis.alert_rules.kind import Counted, Kind
from graph_api.domain.alerts import ActorFlow, BalanceThreshold, Direction, Finding
from graph_api.domain.amounts import exact_units
from graph_api.domain.prices import MICROS

_DIGITS: Final = 240


def flowed(condition: ActorFlow, moved: Moved, known: Known) -> Counted | None:
    """What a transfer adds to the flow; None where it is no part of it.

    What moves among the watched neither comes in nor goes out. What has no price adds nothing. A
    flow is that of one chain, whose transfers have an order.
    """
    sends = is_watched(condition.subjects, moved.sender, known)
    receives = is_watched(condition.subjects, moved.recipient, known)
    inwards = condition.direction is Direction.IN
    if sends == receives or receives is not inwards:
        return None
    micros = worth_micros(moved, known)
    return None if micros is None else Counted(f"{condition.direction}:{moved.chain}", micros)


def actor_flow(condition: ActorFlow, moved: Moved, known: Known) -> Finding | None:
    """The flow of the window reaches the bound with this transfer."""
    more = flowed(condition, moved, known)
    if more is None or moved.at is None:
        return None
    before, after = known.flowed_micros, known.flowed_micros + more.micros
    with localcontext(prec=_DIGITS):
        usd = Decimal(after) / MICROS
        if not Decimal(before) / MICROS < condition.min_usd <= usd:
            return None
    into = "into" if condition.direction is Direction.IN else "out of"
    wallet = moved.recipient if condition.direction is Direction.IN else moved.sender
    return Finding(
        subject=more.subject,
        title=(
            f"{dollars_said(usd)} flowed {into} the watched within "
            f"{span_said(condition.window_s)}, lately {'to' if into == 'into' else 'from'} "
            f"{named(wallet, known)}."
        ),
        facts=told(moved, known)
        | {"flowUsd": plain(usd), "windowS": condition.window_s, "watched": wallet},
    )


def balance_threshold(condition: BalanceThreshold, moved: Moved, known: Known) -> Finding | None:
    """The balance was on the other side of the bound before this transfer."""
    change = balance_change(condition, moved)
    if change is None or known.balance is None:
        return None
    after = known.balance.after_raw
    before = after - change
    below, above = condition.below_raw, condition.above_raw
    if below is not None:
        crossed, bound, words = before >= below > after, below, "fell below"
    else:
        assert above is not None
        crossed, bound, words = before < above <= after, above, "reached"
    if not crossed:
        return None
    return Finding(
        subject=condition.wallet,
        title=(
            f"The balance of {named(condition.wallet, known)} {words} {_amount(bound, known)}: it "
            f"is {_amount(after, known)}."
        ),
        facts=told(moved, known)
        | {
            "balanceRaw": str(after),
            "beforeRaw": str(before),
            "boundRaw": str(bound),
            "complete": known.balance.complete,
        },
    )


def balance_change(condition: BalanceThreshold, moved: Moved) -> int | None:
    """What a transfer does to the balance, in base units; None where it is none of its."""
    if moved.token != condition.token or moved.amount_raw is None:
        return None
    sends, receives = moved.sender == condition.wallet, moved.recipient == condition.wallet
    if sends == receives:
        return None
    return moved.amount_raw if receives else -moved.amount_raw


def _amount(raw: int, known: Known) -> str:
    token = known.token
    if token is None or token.decimals is None:
        return f"{raw:,} base units"
    amount = exact_units(raw, token.decimals)
    said = shortened(amount) if amount >= 0 else f"-{shortened(-amount)}"
    return f"{said} {clean(token.symbol or '') or 'units'}"


ACTOR_FLOW: Final = Kind(
    condition=ActorFlow,
    happening=Moved,
    needs=lambda condition: OF_SIZE | needed_for(condition.subjects) | {Fact.FLOWED},
    may=lambda _, moved: moved.amount_raw is not None and moved.token is not None,
    judge=actor_flow,
    counts=flowed,
)
BALANCE_THRESHOLD: Final = Kind(
    condition=BalanceThreshold,
    happening=Moved,
    needs=lambda _: OF_SIZE | {Fact.BALANCE},
    may=lambda condition, moved: balance_change(condition, moved) is not None,
    judge=balance_threshold,
)
