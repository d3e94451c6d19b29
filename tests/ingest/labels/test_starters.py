"""The registries that are shipped: they load whole, and every claim has a public source."""

import csv
import gzip
import json
import os
from pathlib import Path
from typing import TextIO

import pytest
import yaml

from deskgraph.registry import STARTERS
from graph_api.domain.categories import DEFI, Category
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import address_of
from graph_api.domain.records import Actor, ActorType
from tests.ingest.labels.reading import Found, read, written

DATA = os.environ.get("DESKGRAPH_DATA")
DESKS, PROTOCOLS = STARTERS
ADDRESS = "0x28c6c06298d514db089934071355e5743bf21d60"


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: path.stem)
def test_a_starter_loads_without_rejects_and_names_its_sources(path: Path) -> None:
    found = read(path)
    assert found.format == "desk-registry"
    assert not found.rejects
    assert len({label.id for label in found.labels}) == len(found.labels)
    assert all(label.source_url for label in found.labels)
    assert all(label.learned_at for label in found.labels)
    assert {label.actor for label in found.labels} <= {actor.id for actor in found.actors}


def test_the_starter_is_small_and_knows_desks_makers_and_exchanges() -> None:
    found = read(DESKS)
    assert len(found.actors) <= 40
    assert len(found.labels) <= 120
    kinds = {actor.type for actor in found.actors}
    assert {ActorType.OTC_DESK, ActorType.MARKET_MAKER, ActorType.EXCHANGE} <= kinds
    known = {label.actor for label in found.labels}
    assert {actor.id for actor in found.actors} - known >= {"cumberland", "b2c2", "gsr"}
    assert all(actor.url for actor in found.actors if actor.id not in known)


def test_protocols_answer_what_defi_is() -> None:
    labels = read(PROTOCOLS).labels
    categories = {Category(str(label.category)) for label in labels}
    assert {Category.DEX, Category.LENDING, Category.BRIDGE, Category.STAKING} <= categories & DEFI
    assert {Category.MIXER, Category.WRAPPED} <= categories
    routers = {label.accounts[0] for label in labels if label.category == "dex"}
    assert "eip155:1:0x7a250d5630b4cf539739df2c5dacb4c659f2488d" in routers
    assert all(len(label.accounts) == 1 for label in labels)


def test_an_actor_of_both_starters_is_the_same_kind() -> None:
    kinds: dict[str, set[ActorType]] = {}
    for actor in [*read(DESKS).actors, *read(PROTOCOLS).actors]:
        kinds.setdefault(actor.id, set()).add(actor.type)
    assert all(len(said) == 1 for said in kinds.values())


@pytest.mark.skipif(DATA is None, reason="DESKGRAPH_DATA names no folder of real data")
@pytest.mark.parametrize("path", STARTERS, ids=lambda path: path.stem)
def test_every_address_stands_in_the_source_that_is_cited(path: Path) -> None:
    cited = {
        "etherscan/combined/combinedAllLabels.json": named("etherscan_all_labels.json.gz"),
        "polygonscan/combined/combinedAllLabels.json": named("polygonscan_all_labels.json.gz"),
        "packs/walletexplorer.yaml": tagged("tagpacks/walletexplorer.yaml.gz"),
        "csv/tokens.csv": tabled("eth_labels_tokens.csv.gz"),
    }
    checked = 0
    for label in read(path).labels:
        for document, names in cited.items():
            if str(label.source_url).endswith(document):
                there = names.get(address_of(label.accounts[0]), set())
                # Two tokens have no symbol in their source; the starter adds it.
                assert {label.label, label.label.removesuffix(" (WETH)")} & there, label
                checked += 1
    assert checked > 100


def named(name: str) -> dict[str, set[str]]:
    """Names by address, as an explorer's dump has them."""
    names: dict[str, set[str]] = {}
    with opened(name) as file:
        for address, said in json.load(file).items():
            names.setdefault(address.lower(), set()).add(said["name"])
    return names


def tagged(name: str) -> dict[str, set[str]]:
    with opened(name) as file:
        return {tag["address"]: {tag["label"]} for tag in yaml.safe_load(file)["tags"]}


def tabled(name: str) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    with opened(name) as file:
        for row in csv.DictReader(file):
            names.setdefault(row["address"].lower(), set()).add(row["name"])
    return names


def opened(name: str) -> TextIO:
    return gzip.open(Path(str(DATA)) / "labels" / name, "rt", encoding="utf-8")


# The format


def registry(folder: Path, actors: str, header: str = "version: 1\nname: House\n") -> Found:
    return read(written(folder, "registry.yaml", header + "actors:\n" + actors))


def test_an_entry_may_say_all_there_is_to_say(tmp_path: Path) -> None:
    header = (
        "version: 1\nname: House\nlastmod: 2024-02-01\n"
        "sources: {audit: {url: https://a.org/x, confidence: ownership}}\n"
    )
    actors = f"""- id: Example
  name: Example Desk
  type: otc_desk
  url: example.org
  jurisdictions: [ch, NO]
  wallets:
    ethereum:
    - address: '{ADDRESS}'
      label: Settlement
      source: audit
      valid_from: 2023-01-01
      valid_to: 2024-01-01
      learned_at: 2023-06-01
      note: told by them
    evm: [{{address: '{ADDRESS}', category: hot wallet, confidence: 0.4}}]
    bitcoin: {{address: 16ftSEQ4ctQFDtVZiUBusQUjRrGhM3JYwe, source_url: https://b.org}}
"""
    found = registry(tmp_path, actors, header)
    (actor,) = found.actors
    assert actor == Actor(
        id="example",
        name="Example Desk",
        type=ActorType.OTC_DESK,
        url="https://example.org",
        jurisdictions=("CH", "NO"),
        source="House",
        confidence=1.0,
        registered=True,
    )
    settled, hot, cold = found.labels
    assert (settled.label, settled.category, settled.confidence, settled.source_url) == (
        "Settlement",
        "otc_desk",
        1.0,
        "https://a.org/x",
    )
    assert (settled.valid_from, settled.valid_to, settled.learned_at, settled.note) == (
        1_672_531_200_000,
        1_704_067_200_000,
        1_685_577_600_000,
        "told by them",
    )
    assert (hot.category, hot.confidence, hot.label) == ("hot_wallet", 0.4, "Example Desk")
    assert len(hot.accounts) > 5
    assert hot.learned_at == 1_706_745_600_000
    assert (cold.confidence, cold.source_url) == (0.5, "https://b.org")


@pytest.mark.parametrize(
    ("wallet", "reason"),
    [
        ("{address: '0x12'}", "no EVM address"),
        ("{label: x}", "names no address"),
        (f"{{address: '{ADDRESS}', adress: x}}", "Unknown field 'adress'"),
        (f"{{address: '{ADDRESS}', category: thing}}", "'thing' is no category"),
        (f"{{address: '{ADDRESS}', source: gossip}}", "'gossip' is not among"),
        (f"{{address: '{ADDRESS}', valid_from: soon}}", "'soon' is no date"),
        ("word", "no mapping"),
    ],
)
def test_a_wallet_that_cannot_be_is_a_reject_of_its_own(
    tmp_path: Path, wallet: str, reason: str
) -> None:
    actors = f"""- id: a
  name: A
  type: exchange
  wallets: {{ethereum: [{wallet}, {{address: '{ADDRESS}'}}]}}
- {{id: b, name: B, type: fund}}
"""
    found = registry(tmp_path, actors)
    assert [reason in reject.reason for reject in found.rejects] == [True]
    assert found.rejects[0].line == 4
    assert [actor.id for actor in found.actors] == ["a", "b"]
    assert len(found.labels) == 1


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        ("{name: A, type: fund}", "needs an id"),
        ("{id: a, name: A, type: desk}", "'desk' is no type; use one of otc_desk"),
        ("{id: a, name: A, type: fund, walets: {}}", "Unknown field 'walets'"),
        ("{id: a, name: A, type: fund, wallets: [x]}", "wallets is no mapping"),
        ("{id: a, name: A, type: fund, wallets: {doge: [{address: D}]}}", "not in the chain table"),
        ("word", "no mapping"),
    ],
)
def test_an_actor_that_cannot_be_is_a_reject(tmp_path: Path, actor: str, reason: str) -> None:
    found = registry(tmp_path, f"- {actor}\n")
    assert [reason in reject.reason for reject in found.rejects] == [True]


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"registry\.yaml is of version '2'; this program reads 1"):
        registry(tmp_path, "- {id: a, name: A, type: fund}\n", "version: 2\n")
    with pytest.raises(BadInput, match="'tomorrow' is no date"):
        registry(tmp_path, "- {id: a, name: A, type: fund}\n", "version: 1\nlastmod: tomorrow\n")
