"""The API as its front door puts it together: it knows itself, and nothing of it leaks."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.requests import Request

from graph_api.schema.guarded import GuardedSchema
from graph_api.schema.schema import build_schema
from graph_api.server.main import House
from graph_api.settings import Neo4jSettings, Settings
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault
from tests.given import NOW


@pytest.fixture
def settings(graph: Graph, tmp_path: Path) -> Settings:
    """An installation on the graph under test, with a vault of its own."""
    address = graph.address
    neo4j = Neo4jSettings(
        url=address.url,
        user=address.user,
        password=SecretStr(address.password),
        database=address.database,
    )
    return Settings(home=tmp_path, neo4j=neo4j)


async def test_an_installation_answers_about_itself(settings: Settings) -> None:
    async with await Vault.open(settings.vault_url) as vault:
        await vault.migrate(now=NOW)
    house = House(settings, clock=lambda: NOW)
    schema: GuardedSchema = build_schema()

    async with house.open():
        context = await house.context(Request({"type": "http"}))
        result = await schema.execute(
            "{ health { ready checks { name ok } } version { version } "
            "config { limits { maxDepth } } }",
            context_value=context,
        )

    assert result.errors is None
    assert result.data is not None
    assert result.data["health"] == {
        "ready": True,
        "checks": [{"name": name, "ok": True} for name in ("graph", "migrations", "vault")],
    }
    assert result.data["version"]["version"]
    assert result.data["config"]["limits"]["maxDepth"] == settings.graphql.max_depth
