"""``deskgraph desks`` as a user meets it: entries, their audit, and one sentence for each fault."""

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from deskgraph.registry import STARTERS
from graph_api.live.bus_answers import MARK_KEY
from graph_api.store.graph import Graph
from tests.given import address
from tests.ingest.jobs.test_command import Command, command
from tests.ingest.loading import Ended

__all__ = ["command"]

DESK = ("--actor", "acme", "--name", "Acme OTC", "--type", "otc_desk")
REGISTRY = f"""
version: 1
name: House registry
actors:
  - id: house
    name: House Desk
    type: otc_desk
    wallets:
      ethereum:
        - address: "{address("house")}"
          label: Settlement
"""


class Desks:
    """The command's subcommands, answering what they print."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def __call__(self, *arguments: str) -> Ended:
        return self._command(*arguments, command=("desks",))

    def done(self, *arguments: str) -> str:
        """What it says; it must not fail."""
        ended = self(*arguments)
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    def rows(self, *arguments: str) -> list[Any]:
        """The lines of ``--json``."""
        return [json.loads(line) for line in self.done(*arguments, "--json").splitlines()]

    def label(self, actor: str) -> str:
        """The id of the actor's only label."""
        (row,) = self.rows("list", actor)
        return str(row["id"])


@pytest.fixture
def desks(command: Command) -> Desks:
    """The commands on an empty graph and an empty vault."""
    return Desks(command)


def test_an_entry_is_added_listed_and_on_record(desks: Desks) -> None:
    said = desks.done(
        "add", address("w1").upper().replace("X", "x"), *DESK, "--label", "Settlement ☂",
        "--confidence", "ownership", "--source-url", "https://example.org/a",
        "--valid-from", "2024-05-01", "--reason", "Named on its own site.",
    )  # fmt: skip

    assert "Settlement ☂ (acme)" in said
    assert "on every EVM chain" in said
    (desk,) = desks.rows("list")
    assert (desk["id"], desk["registered"], desk["wallets"], desk["validated"]) == (
        "acme",
        True,
        8,
        False,
    )
    (entry,) = desks.rows("list", "ACME")
    assert entry["accounts"][0].endswith(address("w1"))
    assert (entry["category"], entry["confidence"]) == ("otc_desk", 1.0)
    assert entry["valid_from"] == "2024-05-01T00:00:00Z"
    (change,) = desks.rows("history")
    assert (change["principal"], change["edit"]["action"]) == ("local", "add")
    assert change["edit"]["reason"] == "Named on its own site."
    assert change["edit"]["after"]["label"] == "Settlement ☂"
    assert "Settlement" in desks.done("list", "acme")
    assert "Acme OTC" in desks.done("list")


def test_a_correction_keeps_what_is_not_said_anew(desks: Desks) -> None:
    desks.done("add", address("w1"), *DESK, "--chain", "ethereum", "--note", "n", "--reason", "r")
    first = desks.label("acme")

    desks.done(
        "correct", first, "--label", "Cold wallet", "--confidence", "0.4", "--reason", "Why."
    )

    (entry,) = desks.rows("list", "acme")
    assert entry["id"] != first
    assert (entry["label"], entry["confidence"], entry["note"]) == ("Cold wallet", 0.4, "n")
    assert entry["accounts"] == [f"eip155:1:{address('w1')}"]
    assert [row["edit"]["action"] for row in desks.rows("history", "--actor", "acme")] == [
        "correct",
        "add",
    ]
    shown = desks.done("history", "--rows", "1")
    assert "label: Acme OTC -> Cold wallet" in shown
    assert "confidence: 1.0 -> 0.4" in shown
    assert "because: Why." in shown
    older = shown.split("--before ")[1].strip()
    assert [row["edit"]["action"] for row in desks.rows("history", "--before", older)] == ["add"]


def test_a_correction_may_be_corrected_back(desks: Desks) -> None:
    desks.done("add", address("w1"), *DESK, "--label", "A", "--reason", "r")
    desks.done("correct", desks.label("acme"), "--label", "B", "--reason", "r")

    desks.done("correct", desks.label("acme"), "--label", "A", "--reason", "It was right.")

    (entry,) = desks.rows("list", "acme")
    assert entry["label"] == "A"


def test_a_withdrawn_entry_stays_known_for_its_time_and_can_come_back(desks: Desks) -> None:
    desks.done("add", address("w1"), *DESK, "--reason", "r")
    label = desks.label("acme")

    desks.done("withdraw", label, "--reason", "A mix-up.")

    assert desks.rows("list", "acme") == []
    assert desks("withdraw", label, "--reason", "r").err.startswith("deskgraph: The label")
    desks.done("add", address("w1"), *DESK, "--reason", "It is theirs after all.")
    again = desks.label("acme")
    assert again != label
    refused = desks("add", address("w1"), *DESK, "--reason", "Once more.")
    assert (refused.code, "is in the registry already" in refused.err) == (2, True)


def test_loading_its_file_again_does_not_undo_a_withdrawal(
    command: Command, desks: Desks, tmp_path: Path
) -> None:
    path = tmp_path / "house.yaml"
    path.write_text(REGISTRY)
    assert command(path).code == 0
    label = desks.label("house")
    desks.done("withdraw", label, "--reason", "Not theirs.")

    again = tmp_path / "again.yaml"
    again.write_text(REGISTRY + "\n# The same, in another file.\n")
    assert command(again).code == 0

    assert desks.rows("list", "house") == []
    assert [row["edit"]["actor_id"] for row in desks.rows("history")] == ["house"]


def test_the_same_edit_with_the_same_id_is_made_once(desks: Desks) -> None:
    addition = ("add", address("w1"), *DESK, "--reason", "r", "--change-id", "one")
    assert desks.done(*addition) == desks.done(*addition)
    label = desks.label("acme")
    correction = ("correct", label, "--label", "X", "--reason", "r", "--change-id", "two")
    assert desks.done(*correction) == desks.done(*correction)
    withdrawal = ("withdraw", desks.label("acme"), "--reason", "r", "--change-id", "three")
    assert desks.done(*withdrawal) == desks.done(*withdrawal)

    assert len(desks.rows("history")) == 3
    for other in (
        ("withdraw", label, "--reason", "r", "--change-id", "two"),
        ("correct", label, "--label", "X", "--reason", "another", "--change-id", "two"),
        ("add", address("w2"), *DESK, "--reason", "r", "--change-id", "one"),
    ):
        refused = desks(*other)
        assert (refused.code, "Another change" in refused.err) == (2, True)


def test_an_actor_that_is_known_needs_no_name(desks: Desks) -> None:
    desks.done("add", address("w1"), *DESK, "--url", "https://example.org", "--reason", "r")
    desks.done("add", address("w2"), "--actor", "acme", "--reason", "r")

    (desk,) = desks.rows("list")
    assert (desk["name"], desk["url"], desk["labels"]) == ("Acme OTC", "https://example.org", 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", address("w1"), "--actor", "new", "--reason", "r"), "add --name and --type"),
        (("add", "0x123", *DESK, "--reason", "r"), "is no EVM address"),
        (("add", address("w1"), *DESK), "--reason"),
        (("add", address("w1"), *DESK, "--reason", " "), "needs a reason"),
        (("add", address("w1"), *DESK, "--confidence", "2", "--reason", "r"), "no fraction"),
        (("add", address("w1"), *DESK, "--confidence", "x", "--reason", "r"), "no confidence"),
        (("add", address("w1"), *DESK, "--valid-from", "May", "--reason", "r"), "is no day"),
        (("add", address("w1"), *DESK, "--chain", "nowhere", "--reason", "r"), "Unknown chain"),
        (("correct", "label:x", "--label", "y", "--reason", "r"), "There is no label label:x"),
        (("withdraw", "label:x", "--reason", "r"), "There is no label label:x"),
        (("list", "nobody"), "No actor has the slug 'nobody'"),
        (("history", "--before", "x"), "No change of the registry has the id x."),
    ],
)
def test_a_fault_is_one_sentence_and_changes_nothing(
    desks: Desks, graph: Graph, arguments: tuple[str, ...], words: str
) -> None:
    ended = desks(*arguments)

    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""
    assert desks.rows("history") == []
    assert desks.rows("list") == []
    assert graph.address.password not in ended.err


def test_the_registries_that_ship_load_like_any_file(command: Command, desks: Desks) -> None:
    assert command(*STARTERS).code == 0

    listed = desks.rows("list", "--source", "registry")

    names = {row["id"]: row["wallets"] for row in listed}
    assert {"genesistrading", "cumberland", "wintermute"} <= names.keys()
    assert names["genesistrading"] >= 6
    assert desks.rows("list", "--source", "database") == []
    assert desks.rows("list", "--type", "exchange") != []
    # Protocols stand in a registry too, and are no desks.
    assert not {"uniswap", "aave"} & names.keys()


def test_every_edit_makes_kept_answers_old(
    desks: Desks, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKGRAPH_REDIS__URL", redis_url)
    marks = []
    with Redis.from_url(redis_url) as bus:
        bus.delete(MARK_KEY)
        desks.done("add", address("w1"), *DESK, "--label", "Settlement", "--reason", "Told.")
        marks.append(bus.get(MARK_KEY))
        desks.done("correct", desks.label("acme"), "--label", "Treasury", "--reason", "Asked.")
        marks.append(bus.get(MARK_KEY))
        rows = desks.rows("list", "acme")
        assert bus.get(MARK_KEY) == marks[-1], "reading changes nothing"
        (current,) = [row["id"] for row in rows if row["label"] == "Treasury"]
        desks.done("withdraw", current, "--reason", "Closed.")
        marks.append(bus.get(MARK_KEY))

    assert None not in marks
    assert len(set(marks)) == 3
