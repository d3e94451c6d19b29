"""The file of what was read: the same facts come back, or an earlier state of them, or none."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.services.clustering import facts_file
from graph_api.services.clustering.facts_file import FactsFile, Mark, Read
from tests.analysis.clustering.given import coins

CHAIN = ChainId("eip155:1")
NAMES = st.sampled_from([f"{CHAIN}:{letter}" for letter in "abcd"]).map(AccountId)
NUMBERS = st.none() | st.integers(0, 2**62)
MOVES = st.builds(
    Move,
    st.none() | NAMES,
    NAMES,
    st.none() | st.sampled_from(["coin", "token"]),
    st.none() | st.integers(0, 2**300),
    NUMBERS,
    NUMBERS,
    st.none() | st.text(max_size=5),
    st.text(max_size=5),
)
COINS = st.builds(
    coins,
    st.integers(0, 99).map(str),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 99)), max_size=2),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 99)), max_size=2),
)
READS = st.builds(
    Read,
    st.lists(MOVES, max_size=7),
    st.lists(COINS, max_size=4),
    st.dictionaries(st.text(max_size=3).map(TransactionId), NAMES, max_size=4),
)


def state(facts: Facts) -> object:
    """All that facts hold, whatever came first."""
    moves = sorted(str(move) for some in facts.received.values() for move in some)
    return moves, facts.utxos, facts.payers, dict(facts.appears)


def laid_out(reads: list[Read]) -> Facts:
    """The facts of several times."""
    facts = Facts(CHAIN)
    for read in reads:
        read.add_to(facts)
    return facts


def marks(reads: list[Read]) -> list[Mark]:
    """The mark before everything, and that after each time."""
    return [Mark(), *(Mark(block=number, moves=number) for number in range(1, len(reads) + 1))]


def saved(folder: Path, reads: list[Read]) -> Path:
    """A file that was written in as many steps."""
    file, places = FactsFile(folder, CHAIN, source="graph"), marks(reads)
    for read, before, after in zip(reads, places, places[1:], strict=False):
        # Only the first time is there no file to go on with.
        file.save(read, before, after, everything=lambda: reads[0])
    [path] = folder.iterdir()
    return path


@pytest.fixture(autouse=True)
def _small_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_file, "_AT_ONCE", 3)


FEW = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FEW
@given(st.lists(READS, min_size=1, max_size=4), st.data())
def test_what_is_whole_comes_back_and_the_rest_is_left(
    tmp_path_factory: pytest.TempPathFactory, reads: list[Read], data: st.DataObject
) -> None:
    path = saved(tmp_path_factory.mktemp("facts"), reads)
    whole, places = path.read_bytes(), marks(reads)

    facts = Facts(CHAIN)
    assert FactsFile(path.parent, CHAIN, source="graph").load(facts) == places[-1]
    assert state(facts) == state(laid_out(reads))

    cut = data.draw(st.integers(0, len(whole) - 1))
    torn = whole[:cut] if data.draw(st.booleans()) else bytes((*whole[:cut], whole[cut] ^ 1))
    path.write_bytes(torn + (whole[cut + 1 :] if len(torn) > cut else b""))
    facts = Facts(CHAIN)
    mark = FactsFile(path.parent, CHAIN, source="graph").load(facts)
    assert mark in places[:-1]
    if mark != Mark():
        assert state(facts) == state(laid_out(reads[: places.index(mark)]))


def test_another_graph_and_no_file_have_nothing_to_tell(tmp_path: Path) -> None:
    read = Read([Move(None, AccountId(f"{CHAIN}:a"))])
    assert FactsFile(tmp_path / "none", CHAIN, source="graph").load(Facts(CHAIN)) == Mark()
    saved(tmp_path, [read])
    assert FactsFile(tmp_path, CHAIN, source="another").load(Facts(CHAIN)) == Mark()


def test_a_file_that_somebody_else_has_changed_is_written_anew(tmp_path: Path) -> None:
    first, second = (Read([Move(None, AccountId(f"{CHAIN}:{name}"))]) for name in "ab")
    after = Mark(block=2, moves=2)
    mine = FactsFile(tmp_path, CHAIN, source="graph")
    mine.save(first, Mark(), Mark(block=1, moves=1), everything=lambda: first)
    saved(tmp_path, [second])
    both = Read([*first.moves, *second.moves])
    mine.save(second, Mark(block=1, moves=1), after, everything=lambda: both)

    facts = Facts(CHAIN)
    assert FactsFile(tmp_path, CHAIN, source="graph").load(facts) == after
    assert facts.moves == 2
    assert [path.suffix for path in tmp_path.iterdir()] == [".facts"]
