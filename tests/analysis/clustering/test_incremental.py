"""What is derived bit by bit is what is derived at once, in whatever order facts come."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.analysis.clustering.airdrops import AirdropRules
from graph_api.analysis.clustering.deriving import Derivation, Rules
from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.analysis.clustering.union import clusters, strong
from graph_api.domain.ids import ChainId
from graph_api.domain.records import UtxoTransaction, WalletKind
from tests.analysis.clustering.given import coins, facts, move
from tests.given import BITCOIN, erc20, wallet

NAMES = ("a", "b", "c", "d", "e", "f", "hot")
RULES = Rules(airdrops=AirdropRules(least_recipients=3))
MOVES = st.lists(
    st.builds(
        move,
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from([10**18, 2 * 10**18, 10**18 - 10**15]),
        hours=st.integers(0, 12),
        token=st.sampled_from([erc20("t"), "eip155:1/slip44:60"]),
    ),
    max_size=40,
)
COINS = st.lists(
    st.builds(
        coins,
        st.integers(0, 10**6).map(str),
        st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 3000)), max_size=4),
        st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 3000)), min_size=1, max_size=4),
        block=st.integers(1, 20),
    ),
    max_size=15,
    unique_by=lambda one: one.id,
)


@settings(deadline=None)
@given(MOVES, st.randoms(use_true_random=False), st.sampled_from(NAMES))
def test_moves_in_any_order_and_parts(moves: list[Move], chance: Random, code: str) -> None:
    whole = facts(*moves)
    whole.add_kinds({wallet(code): WalletKind.CONTRACT})
    expected = Derivation(whole, RULES).evidence()

    shuffled, parts = chance.sample(moves, len(moves)), Derivation(facts(), RULES)
    while shuffled:
        count = chance.randint(1, len(shuffled))
        parts.facts.add_moves(shuffled[:count])
        del shuffled[:count]
        parts.evidence()
    parts.facts.add_kinds({wallet(code): WalletKind.CONTRACT})
    assert parts.evidence() == expected
    assert clusters(strong(parts.evidence().values(), threshold=0.3)) == clusters(
        strong(expected.values(), threshold=0.3)
    )


@settings(deadline=None)
@given(COINS, st.randoms(use_true_random=False))
def test_coins_in_any_order_and_parts(made: list[UtxoTransaction], chance: Random) -> None:
    whole = Facts(ChainId(BITCOIN.id))
    whole.add_utxos(made)
    parts = Derivation(Facts(ChainId(BITCOIN.id)))
    for one in chance.sample(made, len(made)):
        parts.facts.add_utxos([one])
        parts.evidence()
    assert parts.evidence() == Derivation(whole).evidence()
