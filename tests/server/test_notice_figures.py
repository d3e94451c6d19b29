"""Notices on the page for Prometheus: what waits, what is dead, who fails."""

from datetime import timedelta

from graph_api.domain.notices import Destination, DestinationKind
from graph_api.server import notice_figures
from graph_api.server.shared_figures import SharedFigures
from graph_api.services.notices import DestinationFigures
from graph_api.vault.destinations import Counts
from tests.given import NOW
from tests.server.test_figures import given, page


def destination(id: str, *, enabled: bool = True, sent: int = 0, failed: int = 0) -> Destination:
    return Destination(
        id=id,
        workspace="local",
        principal="local",
        name=id,
        kind=DestinationKind.SLACK,
        address="https://hooks.example/…wxyz",
        enabled=enabled,
        created_at=NOW,
        changed_at=NOW,
        sent=sent,
        failed=failed,
    )


async def test_every_destination_is_told_by_what_is_known_of_it() -> None:
    late = Counts(waiting=3, dead=2, oldest_at=NOW - timedelta(seconds=90))
    found = [
        DestinationFigures(destination("busy", sent=40, failed=5), late),
        DestinationFigures(destination("off", enabled=False), Counts()),
    ]
    figures = SharedFigures("notices", given(found), notice_figures.families, clock=lambda: NOW)

    lines = await page(figures)

    busy, off = (f'{{destination="{id}",kind="slack"}}' for id in ("busy", "off"))
    assert lines >= {
        "deskgraph_notices_known 1.0",
        f"deskgraph_notices_waiting{busy} 3.0",
        f"deskgraph_notices_waiting_seconds{busy} 90.0",
        f"deskgraph_notices_dead{busy} 2.0",
        f"deskgraph_notices_sent_total{busy} 40.0",
        f"deskgraph_notices_failed_total{busy} 5.0",
        f"deskgraph_notices_destination_on{busy} 1.0",
        f"deskgraph_notices_waiting{off} 0.0",
        f"deskgraph_notices_waiting_seconds{off} 0.0",
        f"deskgraph_notices_destination_on{off} 0.0",
    }
