"""``deskgraph up``: graph, bus, API and ingestion as supervised children of one command."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import click

from deskgraph import connect
from deskgraph.engines.guard import die_with_parent
from deskgraph.engines.valkey import embedded_bus
from deskgraph.graph_commands import tell
from graph_api.domain.errors import GraphApiError
from graph_api.server.terminal import Terminal
from graph_api.settings import Settings
from graph_api.store import migrations
from graph_api.store.address import GraphAddress

_KILL_AFTER_S: Final = 15.0  # beyond the time that running queries have
#: How long to wait, each time, before ingestion is started again; a steady one begins anew.
_PAUSES_S: Final = (1.0, 5.0, 30.0)
_STEADY_S: Final = 60.0


class ApiStopped(GraphApiError):
    """The API's process ended by itself."""


@asynccontextmanager
async def engines(settings: Settings) -> AsyncIterator[tuple[GraphAddress, str]]:
    """The graph and the bus, started where they are not given or running, and migrated."""
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(connect.kept_up_graph(settings, on_trouble=tell))
        graph = await stack.enter_async_context(connect.opened(address, settings))
        if settings.neo4j.url is None:
            await migrations.migrate(graph, now=connect.now())
        await migrations.require_current(graph)
        await connect.migrate_vault(settings)
        yield address, await stack.enter_async_context(_bus(settings))


@asynccontextmanager
async def _bus(settings: Settings) -> AsyncIterator[str]:
    if settings.redis.url is not None:
        yield settings.redis.url.get_secret_value()
    else:
        async with embedded_bus(settings.home, settings.redis, on_trouble=tell) as started:
            yield started


def _environment(settings: Settings, address: GraphAddress, bus: str) -> dict[str, str]:
    """Where everything is, for a process of ours."""
    return os.environ | {
        "DESKGRAPH_HOME": str(settings.home.absolute()),
        "DESKGRAPH_PROFILE": settings.profile,
        "DESKGRAPH_NEO4J__URL": address.url,
        "DESKGRAPH_NEO4J__USER": address.user,
        "DESKGRAPH_NEO4J__PASSWORD": address.password,
        "DESKGRAPH_NEO4J__DATABASE": address.database,
        "DESKGRAPH_REDIS__URL": bus,
        "DESKGRAPH_PRICES__EVERY_S": str(settings.prices.every_s),
    }


@asynccontextmanager
async def ingest(settings: Settings, address: GraphAddress, bus: str) -> AsyncIterator[None]:
    """The process that follows chains and publishes events; one that ends is started again."""
    keeping = asyncio.create_task(_keep_ingest(_environment(settings, address, bus)))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep_ingest(environment: dict[str, str]) -> None:
    pauses_s = [*_PAUSES_S]
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ingest",
            "work",
            env=environment,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        began = asyncio.get_running_loop().time()
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await _ended(process)
        if asyncio.get_running_loop().time() - began > _STEADY_S:
            pauses_s = [*_PAUSES_S]
        pause_s = pauses_s.pop(0) if len(pauses_s) > 1 else pauses_s[0]
        click.echo(
            f"deskgraph: Ingestion ended with exit code {process.returncode}; it is started again "
            f"in {pause_s:g} s.",
            err=True,
        )
        await asyncio.sleep(pause_s)


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), _KILL_AFTER_S)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def api(
    settings: Settings, address: GraphAddress, bus: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The API as a process of its own, told by its environment where everything is."""
    environment = _environment(settings, address, bus) | {
        "DESKGRAPH_HTTP__HOST": settings.http.host,
        "DESKGRAPH_HTTP__PORT": str(settings.http.port),
        "DESKGRAPH_HTTP__WORKERS": str(settings.http.workers),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "graph_api",
        "--while-stdin",
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(
                    process.wait(), settings.http.graceful_stop_s + _KILL_AFTER_S
                )
            except TimeoutError:
                process.kill()
                await process.wait()


async def announced(process: asyncio.subprocess.Process) -> str:
    """The base address of the API once it answers. Raises: ApiStopped when it ends instead."""
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    if "http" not in line:
        await process.wait()
        raise ApiStopped("The API could not start; its own words stand above.")
    return line[line.index("http") :].strip().removesuffix("/graphql")


async def until_stopped(process: asyncio.subprocess.Process, *, workers: int) -> None:
    """Return at SIGINT or SIGTERM, or with the terminal; SIGHUP renews several workers.

    Raises: ApiStopped when the API ends before.
    """
    stopped, terminal = asyncio.Event(), Terminal()

    def hang_up() -> None:
        if terminal.is_gone() or workers == 1:
            stopped.set()
        else:
            process.send_signal(signal.SIGHUP)

    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    waits = {asyncio.create_task(stopped.wait()), asyncio.create_task(process.wait())}
    _, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    if not stopped.is_set():
        raise ApiStopped(f"The API ended by itself with exit code {process.returncode}.")


async def up(settings: Settings) -> None:
    """Run everything until stopped."""
    async with (
        engines(settings) as (address, bus),
        ingest(settings, address, bus),
        api(settings, address, bus) as process,
    ):
        base = await announced(process)
        click.echo(f"GraphQL and GraphiQL  {base}/graphql")
        click.echo(f"Graph (Bolt)          {address.url}, database {address.database}")
        click.echo(f"Health and metrics    {base}/health/ready, {base}/metrics")
        await until_stopped(process, workers=settings.http.workers)
