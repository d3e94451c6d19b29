"""Timing paths: seeded, the same from the graph as from memory, and never without a plain way."""

import pytest

from bench import paths
from bench.paths import Place
from bench.paths_world import World
from graph_api.services.timed_paths.answers import PathsAnswer
from graph_api.services.timed_paths.questions import PathsQuestion
from graph_api.store.graph import Graph


async def test_graph_and_memory_agree_on_every_kind_of_question(graph: Graph) -> None:
    world = World(3_000, wallets=200, hub=0.2, seed=7)
    await paths.load(graph, world)
    memory = paths.from_memory(world)

    figures = await paths.measure(
        Place("graph", world), paths.from_graph(graph), 4, seed=7, memory=memory
    )
    plain = await paths.measure_plain(Place("graph", world), graph, 1, seed=7, limit_s=1)

    assert len(figures) == 7
    assert all(figure.questions == 4 for figure in figures)
    assert sum(figure.found for figure in figures) > 14
    assert (plain.questions, plain.kind) == (1, "plain Cypher")


async def test_answers_that_differ_are_not_timed() -> None:
    world = World(500, wallets=40, hub=0.2, seed=7)
    memory = paths.from_memory(world)

    async def nothing(_asked: PathsQuestion) -> PathsAnswer | None:
        return None

    with pytest.raises(paths.Disagree):
        await paths.measure(Place("memory", world), memory, 2, seed=7, memory=nothing)
