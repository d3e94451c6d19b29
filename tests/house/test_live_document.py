"""Subscriptions that documents and commands show are ones that the schema understands."""

import pytest

from bench import live, live_kills
from deskgraph import watch_commands
from graph_api.schema.schema import build_schema
from tests.house.test_documents import blocks
from tests.server.live.serving import SEEN

SHOWN = [
    *(text for name, text in blocks("graphql") if name == "docs/live.md"),
    watch_commands.TRANSFERS + watch_commands.MOVED,
    watch_commands.OTC + watch_commands.MOVED,
    watch_commands.FREEZES,
    watch_commands.PROVIDERS,
    watch_commands.PRICES,
    watch_commands.PROGRESS,
    live.QUERY,
    live_kills.QUERY,
    SEEN,
]


@pytest.mark.parametrize("query", SHOWN)
def test_a_subscription_that_is_shown_is_valid(query: str) -> None:
    document, operation = build_schema().operation(query, None)

    assert operation.operation.value == "subscription"
    assert document.definitions


def test_the_document_shows_one() -> None:
    assert len(SHOWN) > 5
