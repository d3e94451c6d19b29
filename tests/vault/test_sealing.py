"""Secrets at rest: whose keys open them, and what they belong to."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from graph_api.domain.errors import BadInput
from graph_api.vault.sealing import Seal, Unsealable, new_key, seal_of


def test_a_secret_opens_for_what_it_belongs_to_alone() -> None:
    seal = Seal.of(new_key())
    sealed = seal.close("word\nof two lines", belongs_to="one")

    assert "word" not in sealed
    assert seal.open(sealed, belongs_to="one") == "word\nof two lines"
    with pytest.raises(Unsealable):
        seal.open(sealed, belongs_to="other")
    with pytest.raises(Unsealable, match="has lost the key"):
        Seal.of(new_key()).open(sealed, belongs_to="one")
    with pytest.raises(Unsealable):
        seal.open("nothing", belongs_to="one")


def test_a_new_key_takes_over_from_an_old_one() -> None:
    old, new = new_key(), new_key()
    sealed = Seal.of(old).close("word", belongs_to="one")
    both = Seal.of(f"{new}, {old}")

    assert both.open(sealed, belongs_to="one") == "word"
    renewed = both.renewed(sealed)
    assert Seal.of(new).open(renewed, belongs_to="one") == "word"
    with pytest.raises(Unsealable):
        Seal.of(new).renewed(sealed)


def test_many_who_start_together_have_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "home" / "vault.key"
    with ThreadPoolExecutor(8) as pool:
        seals = list(pool.map(Seal.of_file, [path] * 8))

    sealed = seals[0].close("word", belongs_to="one")
    assert {seal.open(sealed, belongs_to="one") for seal in seals} == {"word"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["vault.key"]


@pytest.mark.parametrize("keys", ["", "short", "a,b", "ü" * 44])
def test_what_is_no_key_is_refused_and_not_repeated(keys: str) -> None:
    with pytest.raises(BadInput, match="32 random bytes") as refused:
        Seal.of(keys)

    assert refused.value.__cause__ is None


def test_a_vault_that_is_shared_needs_keys_that_are_shared(tmp_path: Path) -> None:
    assert seal_of(None, home=tmp_path, shared=True) is None
    assert not [*tmp_path.iterdir()]
    assert seal_of(new_key(), home=tmp_path, shared=True) is not None
    assert seal_of(None, home=tmp_path, shared=False) is not None
