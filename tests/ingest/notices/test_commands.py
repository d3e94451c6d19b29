"""``deskgraph notices`` as a person runs it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from graph_api.domain.notices import NoticeState
from graph_api.domain.principals import LOCAL
from graph_api.vault import destinations
from graph_api.vault.sealing import Seal, Unsealable, new_key
from graph_api.vault.vault import Vault
from tests.vault import given_notices as given
from tests.vault.given import NOON
from tests.vault.test_notices import NEVER


async def run(home: Path, *words: str, keys: str | None = None) -> str:
    """What a command says."""
    told = {"DESKGRAPH_HOME": str(home), "COLUMNS": "200"}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deskgraph",
        "notices",
        *words,
        env=os.environ | told | ({"DESKGRAPH_VAULT__KEYS": keys} if keys else {}),
        stdout=PIPE,
    )
    said, _ = await child.communicate()
    assert child.returncode == 0
    return said.decode()


@pytest.fixture
async def dead(vault: Vault) -> str:
    """A notice that was given up, beside one that waits; its id."""
    rule = await given.rule(vault, LOCAL)
    await given.destination(vault, LOCAL)
    for event in ("e1", "e2"):
        await given.raised(vault, rule, event)
    await given.spread(vault)
    return (await given.settled(vault, await given.claimed(vault), NEVER)).id


async def test_dead_letters_are_listed_and_played_again(
    vault: Vault, dead: str, tmp_path: Path
) -> None:
    listed, as_json = await asyncio.gather(
        run(tmp_path, "dead"), run(tmp_path, "list", "--json", "--destination", "pager")
    )
    replayed = await run(tmp_path, "replay", dead)
    again = await run(tmp_path, "replay", "--all")

    assert dead in listed
    assert "Unknown." in listed
    assert {json.loads(line)["state"] for line in as_json.splitlines()} == {"dead", "waiting"}
    assert replayed == "1 notices are tried anew.\n"
    assert again == "0 notices are tried anew.\n"
    assert await given.states(vault, LOCAL) == [NoticeState.WAITING] * 2


async def test_destinations_show_how_well_they_go(dead: str, tmp_path: Path) -> None:
    shown, as_json = await asyncio.gather(
        run(tmp_path, "destinations"), run(tmp_path, "destinations", "--json")
    )

    (row,) = [line for line in shown.splitlines() if "hooks.example" in line]
    assert row.split()[4:8] == ["yes", "1", "1", "failing"]
    assert json.loads(as_json)["counts"]["dead"] == 1


async def test_secrets_are_sealed_with_a_new_key(vault: Vault, tmp_path: Path) -> None:
    old, new = new_key(), (await run(tmp_path, "new-key")).strip()
    made = await given.destination(vault, LOCAL)
    sealed = destinations.closed(made, given.ENDPOINT, Seal.of(old))
    await destinations.seal_anew(vault, LOCAL, made.id, sealed=sealed, now=NOON, changes={})

    done = await run(tmp_path, "reseal", keys=f"{new},{old}")

    assert done == "1 destinations are sealed with the newest key.\n"
    _, endpoint = await destinations.opened(vault, LOCAL, made.id, seal=Seal.of(new))
    assert endpoint == given.ENDPOINT
    with pytest.raises(Unsealable):
        await destinations.opened(vault, LOCAL, made.id, seal=Seal.of(old))
