"""Alerts as subscribers hear of them: all that becomes of them, for as long as they are kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from graph_api.domain.alerts import Finding, LargeTransfer, Rule, Severity, Size
from graph_api.domain.events import Lane, Line
from graph_api.domain.principals import LOCAL, Principal, PrincipalKind
from graph_api.services.events import AlertLine, KeptPast
from graph_api.vault import alert_rules, alerts, judging, workspaces
from graph_api.vault.judging import Judged, Raised, TakenBack
from graph_api.vault.vault import Vault
from ingest.pipelines.publishing import Publisher
from tests.given import NOW
from tests.server.live.serving import Bus, Client, Served, serving, until_subscribed
from tests.server.live.test_job_progress import seen_by

OTHER = Principal("other", "elsewhere", PrincipalKind.PERSON)
ALERTS = """subscription ($filter: AlertEventFilter, $after: String) {
  alerts(filter: $filter, after: $after) {
    kind: __typename
    ... on LiveEvent { cursor }
    ... on AlertNews { alert { number severity acknowledgedBy } } } }"""


class Desk:
    """Rules of two workspaces, and what they raise."""

    def __init__(self, bus: Bus, vault: Vault) -> None:
        self._vault = vault
        self._publisher = Publisher(AlertLine(vault), bus.streams, clock=lambda: NOW)
        self._rules: dict[tuple[str, Severity], Rule] = {}
        self._number = 0
        # What the bus forgets is in the vault.
        bus.kept = cast(Any, KeptPast(AlertLine(vault)))

    async def open(self) -> None:
        await workspaces.create(self._vault, OTHER, id="elsewhere", name="Elsewhere", now=NOW)
        for principal in (LOCAL, OTHER):
            for severity in Severity:
                self._rules[principal.workspace, severity] = await alert_rules.create(
                    self._vault,
                    principal,
                    id=severity,
                    name=severity,
                    condition=LargeTransfer(size=Size(min_amount_raw=1)),
                    severity=severity,
                    now=NOW,
                )

    async def raise_(
        self, severity: Severity = Severity.WARNING, *, principal: Principal = LOCAL
    ) -> None:
        self._number += 1
        raised = Raised(
            number=self._number,
            rule=self._rules[principal.workspace, severity],
            finding=Finding(subject="whale", title="Much moved.", facts={}),
            event=f"event {self._number}",
            event_at=NOW,
            cause=f"cause {self._number}",
        )
        await self._keep(raised)

    async def take_back(self, number: int) -> None:
        """What was raised as the ``number``-th of all was not so."""
        self._number += 1
        await self._keep(TakenBack(number=self._number, cause=f"cause {number}"))

    async def publish(self) -> None:
        await self._publisher.publish()

    async def _keep(self, verdict: Raised | TakenBack) -> None:
        place = Judged(lane=Lane(Line.TRANSFERS, "eip155:1"), epoch="e", number=verdict.number)
        await judging.keep(self._vault, [verdict], judged=place, now=NOW)
        await self.publish()


@asynccontextmanager
async def at_desk(bus: Bus, vault: Vault) -> AsyncIterator[tuple[Desk, Served, Client]]:
    desk = Desk(bus, vault)
    await desk.open()
    context = seen_by(bus, vault)
    async with serving(bus, context_getter=context) as served, served.client() as client:
        yield desk, served, client


async def item(client: Client) -> dict[str, Any]:
    message = await client.receive()
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    found: dict[str, Any] = message["payload"]["data"]["alerts"]
    return found


def said(found: dict[str, Any]) -> tuple[str, int]:
    return found["kind"], found["alert"]["number"]


async def test_all_that_becomes_of_alerts_is_told_to_their_workspace_alone(
    bus: Bus, vault: Vault
) -> None:
    async with at_desk(bus, vault) as (desk, served, client):
        await client.subscribe(ALERTS)
        await until_subscribed(served, 1)
        await desk.raise_(principal=OTHER)
        await desk.raise_()
        await desk.raise_(Severity.INFO)
        (alert,) = await alerts.after(vault, LOCAL, 1)
        await alerts.acknowledge(vault, LOCAL, [alert.id], now=NOW)
        await desk.take_back(2)

        told = [await item(client) for _ in range(4)]

    assert list(map(said, told)) == [
        ("AlertRaised", 1),
        ("AlertRaised", 2),
        ("AlertAcknowledged", 2),
        ("AlertRetracted", 1),
    ]
    assert told[2]["alert"]["acknowledgedBy"] == "local"


async def test_a_filter_lets_only_what_it_names_through(bus: Bus, vault: Vault) -> None:
    async with at_desk(bus, vault) as (desk, served, client):
        await client.subscribe(ALERTS, filter={"severities": ["CRITICAL"], "rules": ["critical"]})
        await until_subscribed(served, 1)
        await desk.raise_(Severity.INFO)
        await desk.raise_(Severity.CRITICAL)

        assert said(await item(client)) == ("AlertRaised", 2)


async def test_a_cursor_outlives_a_bus_that_was_emptied(bus: Bus, vault: Vault) -> None:
    async with at_desk(bus, vault) as (desk, served, client):
        await client.subscribe(ALERTS)
        await until_subscribed(served, 1)
        await desk.raise_()
        cursor = (await item(client))["cursor"]
        await client.send(type="complete", id="1")
        async with bus.streams.bus.speaking() as door:
            await door.flushall()
        for _ in range(3):
            await desk.raise_()

        await client.subscribe(ALERTS, id="2", after=cursor)
        assert [said(await item(client))[1] for _ in range(3)] == [2, 3, 4]
