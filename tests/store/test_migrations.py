"""Migrations: recorded, resumed, refused when unknown, harmless when two processes run them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from graph_api.domain.errors import SchemaUnknown
from graph_api.store import migrations
from graph_api.store.graph import Graph
from graph_api.store.migrations import Migration
from tests import given
from tests.conftest import NOW
from tests.given import Ledger

EXPAND: Final = "CREATE CONSTRAINT probe_id IF NOT EXISTS FOR (n:Probe) REQUIRE n.id IS UNIQUE;\n"
#: Not safe to run twice on one thing, so that a step that is done twice shows.
BACKFILL: Final = """// backfill
MATCH (p:Probe) WHERE p.id > $after
WITH p ORDER BY p.id LIMIT 7
SET p.seen = coalesce(p.seen, 0) + 1
WITH p.id AS id
RETURN max(id) AS last, count(*) AS changed
"""
CONTRACT: Final = "DROP CONSTRAINT probe_id IF EXISTS;\n"
PROBES: Final = 40


@pytest_asyncio.fixture
async def probed(graph: Graph) -> AsyncIterator[Graph]:
    """A graph with something to fill, and without a trace of it afterwards."""
    yield graph
    await graph.run_alone("MATCH (p:Probe) DELETE p")
    await graph.run_alone("MATCH (m:Migration) WHERE m.number >= 9000 DELETE m")
    await graph.run_alone(CONTRACT.strip(";\n"))


def known(
    folder: Path, *, backfill: str = BACKFILL, contract: bool = False
) -> tuple[Migration, ...]:
    """The real migrations and a made-up expand, backfill and contract."""
    (folder / "9001_expand.cypher").write_text(EXPAND)
    (folder / "9002_backfill.cypher").write_text(backfill)
    if contract:
        (folder / "9003_contract.cypher").write_text(CONTRACT)
    return (*migrations.migrations(), *migrations.migrations(folder))


async def fill(graph: Graph) -> None:
    await graph.run_alone(
        "UNWIND range(1, $n) AS i CREATE (:Probe {id: 'p' + toString(1000 + i)})", n=PROBES
    )


async def seen(graph: Graph) -> list[dict[str, object]]:
    return await graph.run_alone("MATCH (p:Probe) RETURN p.seen AS seen, count(*) AS n")


async def test_everything_is_applied_once_in_its_order(probed: Graph, tmp_path: Path) -> None:
    steps = known(tmp_path, contract=True)
    await fill(probed)

    applied = await migrations.migrate(probed, now=NOW, known=steps)
    again = await migrations.migrate(probed, now=NOW, known=steps)

    assert [step.name for step in applied] == ["expand", "backfill", "contract"]
    assert again == ()
    assert await seen(probed) == [{"seen": 1, "n": PROBES}]
    state = await migrations.status(probed, known=steps)
    assert state.current
    assert [(row.number, row.done, row.applied_at) for row in state.applied[-3:]] == [
        (9001, True, NOW),
        (9002, True, NOW),
        (9003, True, NOW),
    ]


async def test_a_backfill_goes_on_where_it_was_interrupted(probed: Graph, tmp_path: Path) -> None:
    # One that cannot pass the twentieth thing stands for a process that dies there.
    stuck = BACKFILL.replace(
        "coalesce(p.seen, 0) + 1",
        "coalesce(p.seen, 0) + (1 / CASE p.id WHEN 'p1020' THEN 0 ELSE 1 END)",
    )
    await fill(probed)
    broken = known(tmp_path, backfill=stuck)
    with pytest.raises(Exception, match="by zero"):
        await migrations.migrate(probed, now=NOW, known=broken)
    under_way = await migrations.status(probed, known=broken)
    (row,) = [row for row in under_way.applied if row.number == 9002]
    assert (row.done, row.last) == (False, "p1014")

    await probed.run_alone("MATCH (p:Probe {id: 'p1020'}) SET p.id = 'p1020b'")
    await migrations.migrate(probed, now=NOW, known=broken)

    assert await seen(probed) == [{"seen": 1, "n": PROBES}]


async def test_two_processes_migrate_at_once(probed: Graph, tmp_path: Path) -> None:
    steps = known(tmp_path)
    await fill(probed)
    other = await Graph.open(probed.address)

    await asyncio.gather(
        migrations.migrate(probed, now=NOW, known=steps),
        migrations.migrate(other, now=NOW, known=steps),
    )
    await other.close()

    assert await seen(probed) == [{"seen": 1, "n": PROBES}]
    numbers = await probed.run_alone("MATCH (m:Migration) RETURN m.number AS n ORDER BY n")
    assert [row["n"] for row in numbers] == [step.number for step in steps]


async def test_flows_that_were_written_without_ways_to_their_wallets_get_them(
    graph: Graph, ledger: Ledger
) -> None:
    ways = "MATCH (f:Flow)-[r:FLOW_FROM|FLOW_TO]->(w:Wallet) "
    await ledger.write(given.transfer("alice", "desk"), given.transfer("desk", "bob", log=1))
    listed = f"{ways} RETURN f.id AS flow, type(r) AS way, w.id AS wallet ORDER BY flow, way"
    written = await graph.run_alone(listed)
    await graph.run_alone(f"{ways} DELETE r")
    await graph.run_alone("MATCH (m:Migration {name: 'flow_ends'}) DELETE m")

    await migrations.migrate(graph, now=NOW)

    assert len(written) == 4
    assert await graph.run_alone(listed) == written


async def test_a_newer_schema_is_refused(probed: Graph, tmp_path: Path) -> None:
    await migrations.migrate(probed, now=NOW, known=known(tmp_path))

    with pytest.raises(SchemaUnknown, match=r"has migration 9001 \(expand\), which this version"):
        await migrations.require_current(probed)


async def test_a_changed_migration_is_refused(probed: Graph, tmp_path: Path) -> None:
    await migrations.migrate(probed, now=NOW, known=known(tmp_path))
    changed = known(tmp_path, backfill=BACKFILL.replace("LIMIT 7", "LIMIT 8"))

    with pytest.raises(SchemaUnknown, match=r"9002 \(backfill\) was another when it was applied"):
        await migrations.migrate(probed, now=NOW, known=changed)


async def test_an_older_schema_says_how_to_go_on(probed: Graph) -> None:
    newest = migrations.migrations()[-1].number
    await probed.run_alone("MATCH (m:Migration {number: $n}) SET m.done = false", n=newest)
    try:
        with pytest.raises(
            SchemaUnknown, match=r"lacks 1 migrations?; run `deskgraph graph migrate`"
        ):
            await migrations.require_current(probed)
    finally:
        await migrations.migrate(probed, now=NOW)
    await migrations.require_current(probed)
