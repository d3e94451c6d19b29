"""Vaults to test on: each test that takes one runs on SQLite and on a real PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from graph_api.domain.principals import Principal, PrincipalKind
from graph_api.vault import workspaces
from graph_api.vault.home import default_url
from graph_api.vault.vault import Vault
from tests.real.available import Unavailable, skip
from tests.vault.cluster import Server, running_server
from tests.vault.given import NOON

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real server; in CI it may not be missing."""
    try:
        with running_server() as server:
            yield server
    except Unavailable as reason:
        skip(reason)


@pytest.fixture(scope="session")
async def migrated(postgresql: Server) -> AsyncIterator[str]:
    """A migrated database to copy: quicker than migrating one for each test."""
    name = await postgresql.create()
    async with await Vault.open(postgresql.url_of(name)) as vault:
        await vault.migrate(now=NOON)
    yield name
    await postgresql.drop(name)


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest) -> Server | None:
    """The server under test; SQLite has none."""
    if request.param == "sqlite":
        return None
    started: Server = request.getfixturevalue("postgresql")
    return started


@pytest.fixture
def template(request: pytest.FixtureRequest, server: Server | None) -> str:
    """The database on the server to copy, where there is a server."""
    return "" if server is None else request.getfixturevalue("migrated")


@pytest.fixture
async def empty_url(server: Server | None, tmp_path: Path) -> AsyncIterator[str]:
    """Where a vault can be that is not there yet."""
    if server is None:
        yield default_url(tmp_path)
        return
    name = await server.create()
    yield server.url_of(name)
    await server.drop(name)


@pytest.fixture
async def vault_url(server: Server | None, template: str, tmp_path: Path) -> AsyncIterator[str]:
    """Where a migrated vault is."""
    if server is None:
        async with await Vault.open(default_url(tmp_path)) as vault:
            await vault.migrate(now=NOON)
        yield default_url(tmp_path)
        return
    name = await server.create(template=template)
    yield server.url_of(name)
    await server.drop(name)


@pytest.fixture
async def vault(vault_url: str) -> AsyncIterator[Vault]:
    """An open, migrated vault in which only the local principal is known."""
    async with await Vault.open(vault_url) as vault:
        yield vault


@pytest.fixture
async def ann(vault: Vault) -> Principal:
    """Someone in a workspace of her own."""
    return await _someone(vault, "ann")


@pytest.fixture
async def bob(vault: Vault) -> Principal:
    """Someone in another workspace."""
    return await _someone(vault, "bob")


async def _someone(vault: Vault, name: str) -> Principal:
    someone = Principal(name, f"{name}-desk", PrincipalKind.PERSON)
    await workspaces.create(vault, someone, id=someone.workspace, name=f"Desk of {name}", now=NOON)
    return someone
