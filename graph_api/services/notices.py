"""Destinations of alerts and the notices that go there: made, changed, tried, and mended.

Nothing is sent from here: whoever sends finds in the vault what is asked for.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from graph_api.domain.alerts import Alert, Severity
from graph_api.domain.errors import BadInput, Forbidden, NotFound
from graph_api.domain.notices import (
    Destination,
    DestinationKind,
    Endpoint,
    Notice,
    NoticeState,
    Routing,
    shown_url,
)
from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.domain.quiet_hours import QuietHours, check_quiet
from graph_api.domain.refusals import RefusalReason, Refused
from graph_api.domain.signing import SECRET_BYTES, new_secret
from graph_api.domain.targets import Reach, target_of
from graph_api.services.jobs import enqueue
from graph_api.services.places import placed, window
from graph_api.vault import alert_rules, alerts, destinations, notices
from graph_api.vault.destinations import Counts
from graph_api.vault.ids import new_id
from graph_api.vault.jobs import Job
from graph_api.vault.pages import First
from graph_api.vault.sealing import Seal
from graph_api.vault.vault import Door

#: The kind of job that sends a test; its subject is the destination.
TEST: Final = "destination_test"
MAX_NAME: Final = 100
MAX_ADDRESSES: Final = 10
MAX_RULES: Final = 100
#: How long a secret may sign beside the one that took over from it, hours.
MAX_OVERLAP_H: Final = 168

_ADDRESS: Final = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)


class Outlets(msgspec.Struct, frozen=True, kw_only=True):
    """What this installation can send by.

    Args:
        seal: What secrets are sealed with; without it there are none.
        reach: Which machines webhooks may be on.
        mail: Whether a mail server is named; ``mail_domains`` are those that it may write to, all
            where none is named.
    """

    seal: Seal | None = None
    reach: Reach = Reach()
    mail: bool = False
    mail_domains: tuple[str, ...] = ()


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a destination is: the ``url`` of a webhook or of Slack, or ``addresses`` of e-mail."""

    kind: DestinationKind
    url: str = ""
    addresses: tuple[str, ...] = ()


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A destination, and its new secret where it got one."""

    destination: Destination
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Made({self.destination.id})"


class DestinationFigures(msgspec.Struct, frozen=True):
    """A destination, and what it has on record that was not sent."""

    destination: Destination
    counts: Counts


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How many dead letters are tried anew."""

    count: int


# Destinations; each change is one transaction, which its caller opens


async def create(
    vault: Door,
    outlets: Outlets,
    *,
    name: str,
    to: Way,
    min_severity: Severity = Severity.INFO,
    rules: tuple[str, ...] = (),
    quiet: QuietHours | None = None,
    principal: Principal,
    now: datetime,
) -> Made:
    """A new destination, told of alerts that are raised from now on. Raises: Refused."""
    webhook = to.kind is DestinationKind.WEBHOOK
    secret = new_secret(os.urandom(SECRET_BYTES)) if webhook else None
    with _mendable():
        made = Destination(
            id=new_id(now),
            workspace=principal.workspace,
            principal=principal.id,
            name=_name(name),
            kind=to.kind,
            address=_address(to, outlets),
            routing=Routing(min_severity=min_severity, rules=await _rules(vault, rules, principal)),
            quiet=_quiet(quiet),
            created_at=now,
            changed_at=now,
            secret_at=now if webhook else None,
        )
        endpoint = Endpoint(url=to.url or None, secret=secret)
        sealed = _closed(made, endpoint, outlets) if to.url else None
        made = await destinations.create(vault, principal, made, sealed=sealed)
    return Made(destination=made, secret=secret)


async def update(
    vault: Door,
    outlets: Outlets,
    *,
    id: str,
    name: str | None = None,
    to: Way | None = None,
    min_severity: Severity | None = None,
    rules: tuple[str, ...] | None = None,
    quiet: QuietHours | None = None,
    no_quiet: bool = False,
    principal: Principal,
    now: datetime,
) -> Destination:
    """Change what is given of a destination; its kind stays. Raises: Refused."""
    changes: dict[str, Any] = {}
    with _mendable():
        before = await destinations.require(vault, principal, checked_id(id))
        if name is not None:
            changes["name"] = _name(name)
        if min_severity is not None or rules is not None:
            wanted = before.routing.rules if rules is None else rules
            changes["routing"] = Routing(
                min_severity=min_severity or before.routing.min_severity,
                rules=await _rules(vault, wanted, principal),
            )
        if quiet is not None or no_quiet:
            changes["quiet"] = None if no_quiet else _quiet(quiet)
        if to is not None:
            changes["address"] = await _moved(vault, outlets, before, to, principal, now)
        return await destinations.change(vault, principal, id, now=now, changes=changes)


async def switch_on(vault: Door, *, id: str, principal: Principal, now: datetime) -> Destination:
    """Tell a destination of what happens from now on. Raises: Refused."""
    return await _switched(vault, id, principal, now, enabled=True)


async def switch_off(vault: Door, *, id: str, principal: Principal, now: datetime) -> Destination:
    """Send nothing to a destination, and drop what waits for it. Raises: Refused."""
    return await _switched(vault, id, principal, now, enabled=False)


async def rotate(
    vault: Door,
    outlets: Outlets,
    *,
    id: str,
    overlap_h: int,
    principal: Principal,
    now: datetime,
) -> Made:
    """Give a webhook a new secret; the one before signs beside it for so many hours.

    Raises: Refused.
    """
    secret = new_secret(os.urandom(SECRET_BYTES))
    with _mendable():
        if not 0 <= overlap_h <= MAX_OVERLAP_H:
            raise BadInput(f"Two secrets sign side by side for 0 to {MAX_OVERLAP_H} hours.")
        before, endpoint = await _opened(vault, outlets, id, principal)
        if before.kind is not DestinationKind.WEBHOOK:
            raise BadInput("Only webhooks have a secret that signs.")
        previous = endpoint.secret if overlap_h else None
        after = replace(endpoint, secret=secret, previous=previous)
        until = now + timedelta(hours=overlap_h) if overlap_h else None
        changed = await destinations.seal_anew(
            vault,
            principal,
            id,
            sealed=_closed(before, after, outlets),
            now=now,
            changes={"secret_at": now, "previous_until": until},
        )
    return Made(destination=changed, secret=secret)


async def remove(vault: Door, *, id: str, principal: Principal, now: datetime) -> Destination:
    """Take a destination away; what waits for it is not sent. Raises: Refused."""
    with _mendable():
        return await destinations.remove(vault, principal, checked_id(id), now=now)


async def request_test(vault: Door, *, id: str, principal: Principal, now: datetime) -> Job:
    """Ask for a test; the one that is under way, if there is one. Raises: Refused."""
    with _mendable():
        await destinations.require(vault, principal, checked_id(id))
        return await enqueue(
            vault,
            principal,
            TEST,
            arguments={"destination": id},
            subject=id,
            now=now,
        )


async def listed(vault: Door, *, page: Page, principal: Principal) -> Slice[Destination]:
    """The workspace's destinations, the newest first."""
    found = await destinations.history(vault, principal, window(page))
    return placed(found, lambda one: (one.created_at, one.id))


async def by_ids(vault: Door, ids: list[str], *, principal: Principal) -> dict[str, Destination]:
    """The workspace's destinations with these ids."""
    return await destinations.by_ids(vault, principal, ids)


async def counts(
    vault: Door, ids: list[str], *, principal: Principal, now: datetime
) -> dict[str, Counts]:
    """What destinations have on record."""
    return await destinations.counts(vault, principal, ids, now=now)


async def figures(vault: Door, *, principal: Principal, now: datetime) -> list[DestinationFigures]:
    """How well every destination of the workspace is told."""
    found = await destinations.history(vault, principal, First(destinations.MOST))
    counted = await destinations.counts(vault, principal, [one.id for one in found.rows], now=now)
    return [DestinationFigures(one, counted[one.id]) for one in found.rows]


# Notices


async def history(
    vault: Door,
    *,
    page: Page,
    principal: Principal,
    states: tuple[NoticeState, ...] | None = None,
    destination: str | None = None,
    alert: str | None = None,
) -> Slice[Notice]:
    """The workspace's notices, the newest first; of some states, to one destination or of one
    alert where these are named.
    """
    found = await notices.history(
        vault, principal, window(page), states=states, destination=destination, alert=alert
    )
    return placed(found, lambda one: (one.made_at, one.id))


async def notices_by_ids(vault: Door, ids: list[str], *, principal: Principal) -> dict[str, Notice]:
    """The workspace's notices with these ids."""
    return await notices.by_ids(vault, principal, ids)


async def alerts_of(
    vault: Door, ids: list[str], *, principal: Principal, first: int
) -> dict[str, list[Alert]]:
    """The alerts that notices tell of, by notice, in the order of their numbers."""
    told = await notices.alert_ids(vault, principal, ids)
    wanted = list({one for alerts_told in told.values() for one in alerts_told})
    found = await alerts.by_ids(vault, principal, wanted)
    return {
        id: sorted((found[one] for one in alerts_told if one in found), key=lambda one: one.number)[
            :first
        ]
        for id, alerts_told in told.items()
    }


async def of_alerts(
    vault: Door, ids: list[str], *, principal: Principal, first: int
) -> dict[str, list[Notice]]:
    """The notices that tell of alerts, by alert, the oldest first."""
    found = await notices.of_alerts(vault, principal, ids)
    return {id: told[:first] for id, told in found.items()}


async def replay(vault: Door, *, id: str, principal: Principal, now: datetime) -> Notice:
    """Let a dead letter be tried anew. Raises: Refused."""
    with _mendable():
        return await notices.replay(vault, principal, checked_id(id), now=now)


async def replay_all(
    vault: Door, *, destination: str, principal: Principal, now: datetime
) -> Replayed:
    """Let all dead letters of a destination be tried anew. Raises: Refused."""
    with _mendable():
        id = checked_id(destination)
        return Replayed(count=await notices.replay_all(vault, principal, id, now=now))


def checked_id(id: str) -> str:
    """An id as it may be looked up. Raises: BadInput."""
    if not 1 <= len(id) <= 60 or not id.isprintable():
        raise BadInput("An id has 1 to 60 printable characters.")
    return id


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise BadInput(f"A destination's name has 1 to {MAX_NAME} printable characters.")
    return name


def _address(way: Way, outlets: Outlets) -> str:
    """What may be shown of where a destination is, if something could be sent there."""
    if way.kind is not DestinationKind.EMAIL:
        return shown_url(way.kind, target_of(way.url, outlets.reach).url)
    if not outlets.mail:
        raise BadInput("No mail server is named: set DESKGRAPH_NOTICES__SMTP_URL.")
    found = list(dict.fromkeys(one.strip() for one in way.addresses))
    if not 1 <= len(found) <= MAX_ADDRESSES:
        raise BadInput(f"E-mail goes to 1 to {MAX_ADDRESSES} addresses.")
    for one in found:
        name, _, domain = one.rpartition("@")
        if not _ADDRESS.fullmatch(f"{name}@{domain.lower()}"):
            raise BadInput(f"{one[:60]!r} is no address of e-mail.")
        if outlets.mail_domains and domain.lower() not in outlets.mail_domains:
            raise BadInput(f"E-mail goes to {', '.join(outlets.mail_domains)} alone.")
    return ", ".join(found)


async def _rules(vault: Door, rules: tuple[str, ...], principal: Principal) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(rules))
    if len(wanted) > MAX_RULES:
        raise BadInput(f"A destination names up to {MAX_RULES} rules.")
    known = await alert_rules.by_ids(vault, principal, wanted) if wanted else {}
    missing = [rule for rule in wanted if rule not in known]
    if missing:
        raise NotFound(f"There is no alert rule {missing[0][:60]}.")
    return wanted


def _quiet(quiet: QuietHours | None) -> QuietHours | None:
    if quiet is not None:
        check_quiet(quiet)
    return quiet


async def _opened(
    door: Door, outlets: Outlets, id: str, principal: Principal
) -> tuple[Destination, Endpoint]:
    return await destinations.opened(door, principal, checked_id(id), seal=outlets.seal)


def _closed(destination: Destination, endpoint: Endpoint, outlets: Outlets) -> str:
    return destinations.closed(destination, endpoint, _seal(outlets))


def _seal(outlets: Outlets) -> Seal:
    if outlets.seal is None:
        raise BadInput("The vault has no key for secrets: set DESKGRAPH_VAULT__KEYS.")
    return outlets.seal


async def _moved(
    vault: Door,
    outlets: Outlets,
    before: Destination,
    to: Way,
    principal: Principal,
    now: datetime,
) -> str:
    """Put another place under the seal. Returns: what may be shown of it."""
    if to.kind is not before.kind:
        raise BadInput(f"A destination stays what it is: {before.kind.value}.")
    address = _address(to, outlets)
    if to.url:
        _, endpoint = await _opened(vault, outlets, before.id, principal)
        sealed = _closed(before, replace(endpoint, url=to.url), outlets)
        await destinations.seal_anew(
            vault, principal, before.id, sealed=sealed, now=now, changes={}
        )
    return address


async def _switched(
    vault: Door, id: str, principal: Principal, now: datetime, *, enabled: bool
) -> Destination:
    with _mendable():
        return await destinations.change(
            vault, principal, checked_id(id), now=now, changes={"enabled": enabled}
        )


@contextmanager
def _mendable() -> Iterator[None]:
    """Whatever the one who asks can mend is a refusal."""
    try:
        yield
    except Refused:
        raise
    except NotFound as error:
        raise Refused(str(error), reason=RefusalReason.NOT_FOUND) from error
    except (BadInput, Forbidden) as error:
        raise Refused(str(error)) from error
