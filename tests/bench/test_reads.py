"""The read bench, tiny: every server answers every shape alike, and the figures add up."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bench import reads
from bench.reads import Cell, Part
from bench.shapes import choose, shapes
from bench.split import split
from graph_api.store.graph import Graph
from tests.real.node_packages import packages


@pytest.fixture
async def loaded(graph: Graph, tmp_path: Path) -> Graph:
    """A generated graph that is small."""
    await reads.load_graph(graph, tmp_path / "data", transfers=3_000, wallets=300)
    return graph


async def test_every_server_answers_every_shape_alike(loaded: Graph, tmp_path: Path) -> None:
    asked = shapes(await choose(loaded))
    node = packages(reads.PEER_FOLDER)
    async with AsyncExitStack() as stack:
        doors = [
            reads.ours(loaded.address, tmp_path / "home", "compiled"),
            *(reads.peer(loaded.address, name, node) for name in reads.PEERS),
        ]
        servers = [await stack.enter_async_context(door) for door in doors]

        counted = {name: await reads.agreed(name, shape, servers) for name, shape in asked.items()}

    assert list(counted) == reads.SHAPES.split(",")
    assert counted["Q6"] == 1_000
    assert min(counted.values()) > 0


async def test_a_run_has_a_cell_for_every_server_and_says_where_our_cpu_goes(
    loaded: Graph, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = reads.parser().parse_args(
        [
            "--connections",
            "2",
            "--rounds",
            "2",
            "--seconds",
            "0.1",
            "--shapes",
            "Q1",
            "--peers",
            "yoga",
        ]
    )

    figures = await reads.compare(loaded, tmp_path, options)

    servers = [one.server for one in figures if isinstance(one, Cell)]
    assert servers == ["driver", *reads.OURS, "yoga"]
    assert [one.shape for one in figures if isinstance(one, Part)] == ["Q1"]
    assert "- Q1: one wallet, ten scalars; 1 rows." in capsys.readouterr().out


async def test_the_parts_of_a_request_are_those_that_it_has(loaded: Graph) -> None:
    asked = shapes(await choose(loaded))

    one, page = [await split(loaded, asked[name].ours) for name in ("Q1", "Q6")]

    assert min(one.driver, one.door, page.driver, page.shape, page.encode) > 0
    assert page.inside == pytest.approx(page.driver + page.door + page.shape + page.encode)


async def test_servers_that_disagree_are_not_measured(loaded: Graph, tmp_path: Path) -> None:
    shape = shapes(await choose(loaded))["Q1"]._replace(
        counted=lambda data: len(str(data)) // 0x7FF
    )
    async with reads.ours(loaded.address, tmp_path / "home", "compiled") as server:
        with pytest.raises(RuntimeError, match="different numbers of rows"):
            await reads.agreed("Q1", shape, [server])


async def test_a_server_that_does_not_start_ends_the_bench(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended before it answered"):
        async with reads.started(["true"], {}):
            pass
