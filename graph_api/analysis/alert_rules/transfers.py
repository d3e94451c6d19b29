"""Rules about one transfer: its size, the watched, whom they meet, who wakes, sanctions."""

from datetime import timedelta
from typing import Final

from graph_api.analysis.alert_rules.facts import (
    OF_SIZE,
    Fact,
    Known,
    amount_said,
    anybody,
    is_watched,
    may_reach,
    named,
    needed_for,
    reaches,
    span_said,
    told,
    watched_side,
)
from graph_api.analysis.alert_rules.happenings import Moved
from graph_api.analysis.alert_rules.kind import Kind
from graph_api.domain.alerts import (
    Direction,
    DormantWakes,
    Finding,
    LargeTransfer,
    NewCounterparty,
    SanctionedCounterparty,
    WatchedMoved,
)
from graph_api.domain.ids import AccountId


def large_transfer(condition: LargeTransfer, moved: Moved, known: Known) -> Finding | None:
    """A transfer of at least the size; its subject is the sender, or else who got it."""
    if not reaches(condition.size, moved, known):
        return None
    return Finding(
        subject=moved.sender or moved.recipient,
        title=f"{_who(moved, known)}: {amount_said(moved, known)}.",
        facts=told(moved, known),
    )


def watched_moved(condition: WatchedMoved, moved: Moved, known: Known) -> Finding | None:
    """A watched wallet sends or receives."""
    wallet = watched_side(condition.subjects, moved, known, direction=condition.direction)
    if wallet is None or not reaches(condition.size, moved, known):
        return None
    sent = wallet == moved.sender
    other = named(moved.recipient if sent else moved.sender, known)
    deed = (
        f"sent {amount_said(moved, known)} to" if sent else f"got {amount_said(moved, known)} from"
    )
    return Finding(
        subject=wallet,
        title=f"{named(wallet, known)} {deed} {other}.",
        facts=told(moved, known) | {"watched": wallet},
    )


def new_counterparty(condition: NewCounterparty, moved: Moved, known: Known) -> Finding | None:
    """A watched wallet meets one that it had never dealt with; a wallet does not meet itself."""
    wallet = watched_side(condition.subjects, moved, known, direction=condition.direction)
    if wallet is None or known.met is not False or not reaches(condition.size, moved, known):
        return None
    other = _other(moved, wallet)
    if other is None or other == wallet:
        return None
    return Finding(
        subject=wallet,
        title=(
            f"{named(wallet, known)} deals with {named(other, known)} for the first time: "
            f"{amount_said(moved, known)}."
        ),
        facts=told(moved, known) | {"watched": wallet, "counterparty": other},
    )


def dormant_wakes(condition: DormantWakes, moved: Moved, known: Known) -> Finding | None:
    """A wallet sends after a time without any transfer. One that never had any has not slept."""
    sender, last_at = moved.sender, known.last_at
    if sender is None or last_at is None or moved.at is None:
        return None
    if not anybody(condition.subjects) and not is_watched(condition.subjects, sender, known):
        return None
    idle = moved.at - last_at
    if idle < timedelta(seconds=condition.idle_s) or not reaches(condition.size, moved, known):
        return None
    idle_s = idle // timedelta(seconds=1)
    return Finding(
        subject=sender,
        title=(
            f"{named(sender, known)} woke after {idle.days} days"
            if idle.days
            else f"{named(sender, known)} woke after {span_said(idle_s)}"
        )
        + f" and sent {amount_said(moved, known)}.",
        facts=told(moved, known) | {"lastAt": last_at.isoformat(), "idleS": idle_s},
    )


def sanctioned_counterparty(
    condition: SanctionedCounterparty, moved: Moved, known: Known
) -> Finding | None:
    """A watched wallet, or any, deals with one that was under sanctions then."""
    for wallet, other, way in (
        (moved.sender, moved.recipient, Direction.OUT),
        (moved.recipient, moved.sender, Direction.IN),
    ):
        claim = None if other is None else known.sanctions.get(other)
        if wallet is None or other is None or claim is None or wallet == other:
            continue
        if condition.direction not in (way, Direction.EITHER):
            continue
        if not anybody(condition.subjects) and not is_watched(condition.subjects, wallet, known):
            continue
        if not reaches(condition.size, moved, known):
            return None
        deed = "sent" if way is Direction.OUT else "got"
        to = "to" if way is Direction.OUT else "from"
        return Finding(
            subject=wallet,
            title=(
                f"{named(wallet, known)} {deed} {amount_said(moved, known)} {to} "
                f"{named(other, known)}, which is under sanctions ({claim.source})."
            ),
            facts=told(moved, known)
            | {
                "watched": wallet,
                "counterparty": other,
                "label": claim.label,
                "source": claim.source,
            },
        )
    return None


def _who(moved: Moved, known: Known) -> str:
    return f"{named(moved.sender, known)} to {named(moved.recipient, known)}"


def _other(moved: Moved, wallet: AccountId) -> AccountId | None:
    return moved.recipient if wallet == moved.sender else moved.sender


LARGE_TRANSFER: Final = Kind(
    condition=LargeTransfer,
    happening=Moved,
    needs=lambda _: OF_SIZE,
    may=lambda condition, moved: may_reach(condition.size, moved),
    judge=large_transfer,
)
WATCHED_MOVED: Final = Kind(
    condition=WatchedMoved,
    happening=Moved,
    needs=lambda condition: OF_SIZE | needed_for(condition.subjects),
    may=lambda condition, moved: may_reach(condition.size, moved),
    judge=watched_moved,
)
NEW_COUNTERPARTY: Final = Kind(
    condition=NewCounterparty,
    happening=Moved,
    needs=lambda condition: OF_SIZE | needed_for(condition.subjects) | {Fact.MET},
    may=lambda condition, moved: moved.sender is not None and may_reach(condition.size, moved),
    judge=new_counterparty,
)
DORMANT_WAKES: Final = Kind(
    condition=DormantWakes,
    happening=Moved,
    needs=lambda condition: OF_SIZE | needed_for(condition.subjects) | {Fact.IDLE},
    may=lambda condition, moved: moved.sender is not None and may_reach(condition.size, moved),
    judge=dormant_wakes,
)
SANCTIONED_COUNTERPARTY: Final = Kind(
    condition=SanctionedCounterparty,
    happening=Moved,
    needs=lambda condition: OF_SIZE | needed_for(condition.subjects) | {Fact.SANCTIONS},
    may=lambda condition, moved: moved.sender is not None and may_reach(condition.size, moved),
    judge=sanctioned_counterparty,
)
