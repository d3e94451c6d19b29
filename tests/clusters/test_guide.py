"""What the guide shows of clusters holds for the demo's data."""

from pathlib import Path

from deskgraph.demo import SEED
from deskgraph.sample import write_economy
from graph_api.domain.ids import ChainId
from graph_api.services.clustering.runs import Clustering
from graph_api.store.graph import Graph
from ingest.jobs.loading import load_paths
from ingest.sources.files.format import Options
from tests.given import BITCOIN, NOW
from tests.house.test_documents import blocks
from tests.schema.asking import ask


async def test_the_two_wallets_of_the_guide_are_explained(graph: Graph, tmp_path: Path) -> None:
    (guide,) = [text for _, text in blocks("graphql") if "query WhyAreTheyOne" in text]
    files = write_economy(tmp_path / "sample", seed=SEED, size="small")
    coins = [path for path in files if path.parent.name == "bitcoin"]
    loading = load_paths(
        graph, coins, Options(chains=(BITCOIN,)), clock=lambda: NOW, rejects=tmp_path / "rejects"
    )
    assert [outcome async for outcome in loading]
    await Clustering(graph, clock=lambda: NOW).run(ChainId(BITCOIN.id))

    found = (await ask(graph, guide))["explainCluster"]

    assert (found["published"], len(found["links"])) == (True, 2)
    assert {link["heuristic"] for link in found["links"]} == {"MULTI_INPUT"}
    assert round(found["confidence"], 4) == 0.9025
