"""Destinations as the page for Prometheus finds them."""

from datetime import timedelta

from graph_api.domain.notices import Destination, DestinationKind
from graph_api.services.notices import DestinationFigures
from graph_api.vault.destinations import Counts
from tests.given import NOW


def destination(id: str, *, enabled: bool = True, sent: int = 0, failed: int = 0) -> Destination:
    """One at Slack."""
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


NOTICED = [
    DestinationFigures(
        destination("busy", sent=40, failed=5),
        Counts(waiting=3, dead=2, oldest_at=NOW - timedelta(seconds=90)),
    ),
    DestinationFigures(destination("off", enabled=False), Counts()),
]
