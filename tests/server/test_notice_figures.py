"""Notices on the page for Prometheus: what waits, what is dead, who fails."""

from graph_api.server import notice_figures
from graph_api.server.shared_figures import SharedFigures
from tests.given import NOW
from tests.server.noticed import NOTICED
from tests.server.test_figures import given, page


async def test_every_destination_is_told_by_what_is_known_of_it() -> None:
    figures = SharedFigures("notices", given(NOTICED), notice_figures.families, clock=lambda: NOW)

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
