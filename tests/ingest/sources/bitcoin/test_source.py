"""Bitcoin over JSON-RPC: what a block says, what nodes lack, and what they cannot get away with."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.analysis.allocation import fee_raw
from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.records import Block, Spend
from ingest.sources.bitcoin.checks import subsidy, target
from ingest.sources.bitcoin.serialized import merkle_root
from ingest.sources.bitcoin.serialized import transaction as read_transaction
from ingest.sources.bitcoin.source import BitcoinSource
from ingest.sources.chain import Reorged
from tests.ingest.sources.bitcoin.chains import (
    COIN,
    P2PKH,
    BitcoinNode,
    Made,
    Mined,
    coinbase,
    double,
)
from tests.ingest.sources.bitcoin.conftest import BITCOIN, NOON, read, transactions
from tests.ingest.sources.json_rpc import Front

KEY = "02" + "ab" * 32
LONG_KEY = (
    "04c1b5671c8975087cc796d6ea73d2407591528b5c669106f9b6ab6ef6e373a57553e14866aaeffc44a9f58e5ee0c7"
    "faa7add7474f0a2c55a22cb40b949fdc933c"
)
#: Locking scripts of every kind with whom they pay; addresses of BIP-173, BIP-350 and the chain.
SCRIPTS = {
    "p2pk": (f"41{LONG_KEY}ac", "1PkqKGbNLDdDJGveCcNUMV9CEFH77ADrPQ"),
    "p2pkh": (
        "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac",
        "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
    ),
    "p2sh": (
        "a914f815b036d9bbbce5e9f2a00abd1bf3dc91e9551087",
        "3QJmV3qfvL9SuYo34YihAf3sRCW3qSinyC",
    ),
    "p2wpkh": (
        "0014751e76e8199196d454941c45d1b3a323f1433bd6",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    ),
    "p2wsh": (
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
    ),
    "p2tr": (
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ),
    "unknown witness": ("6002751e", "bc1sw50qgdz25j"),
    "multisig": (f"5121{KEY}21{KEY}52ae", None),
    "data": ("6a0468617461", None),
    "odd": ("51", None),
    "nothing": ("", None),
}


def faults(source: BitcoinSource) -> list[str | None]:
    return [status.fault for status in source._endpoints.status()]


async def test_every_kind_of_script_is_paid_and_spent(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    funds = node.grow().made[0]
    paid = Made(
        ((funds.txid, 0),),
        tuple((1000 + n, script) for n, (script, _) in enumerate(SCRIPTS.values())),
        witnesses=(b"signature", b"key"),
    )
    node.grow(paid)
    node.grow(Made(tuple((paid.txid, n) for n in range(len(SCRIPTS))), ((9_000, P2PKH),)))

    _, made, spent = await read(source_of(node), 1, 3)

    owners = [address and f"{BITCOIN.id}:{address}" for _, address in SCRIPTS.values()]
    payment, spending = transactions([made])[1], transactions([spent])[1]
    assert [output.owner for output in payment.outputs] == owners
    assert {
        name for name, output in zip(SCRIPTS, payment.outputs, strict=True) if output.script
    } == {
        "p2pk",
        "multisig",
        "data",
        "odd",
    }
    assert [spend.owner for spend in spending.inputs] == owners
    assert [spend.amount_raw for spend in spending.inputs] == list(range(1000, 1011))
    assert [spend.output for spend in spending.inputs] == [output.id for output in payment.outputs]
    assert fee_raw(spending) == sum(range(1000, 1011)) - 9_000


@pytest.mark.parametrize(
    "lacks",
    [
        {"verbosity": 2},
        {"verbosity": 0},
        {"hexes": False},
        {"hexes": False, "verbosity": 2},
    ],
)
async def test_a_node_that_tells_less_gives_the_same_records(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource], lacks: dict[str, Any]
) -> None:
    _economy(node)
    whole = await read(source_of(node), 1, 4)

    assert await read(source_of(replace(node, **lacks)), 1, 4) == whole
    assert all(spend.owner for t in transactions(whole) for spend in t.inputs)


async def test_a_node_without_an_index_leaves_owner_and_amount_open_and_is_asked_once(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    _economy(node)
    fronts: list[Front] = []
    source = source_of(replace(node, verbosity=2, indexed=False), fronts=fronts)

    found = transactions(await read(source, 1, 4))

    # What a block makes and spends itself needs nobody to tell it.
    spends = [spend for transaction in found for spend in transaction.inputs]
    assert [spend.amount_raw for spend in spends] == [None, None, 10 * COIN]
    assert spends[0] == Spend(output=found[0].outputs[0].id, owner=None, amount_raw=None)
    first_batch = fronts[0].asked["getrawtransaction"]
    await read(source, 1, 4)
    assert fronts[0].asked["getrawtransaction"] == first_batch


async def test_a_block_tells_its_place(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    first, second = node.grow(), node.grow()
    source = source_of(node)

    [facts] = await read(source, 2, 2)

    assert facts.records[0] == Block(
        chain=BITCOIN.id,  # type: ignore[arg-type]
        number=2,
        hash=second.hash,
        parent_hash=first.hash,
        time=second.time * 1000,
    )
    assert await source.ref(2) == facts.ref == await source.head()
    assert await source.ref(3) is None
    assert await source.final() is None


async def test_the_second_of_a_repeated_coinbase_is_named_by_its_block(
    source_of: Callable[..., BitcoinSource], monkeypatch: pytest.MonkeyPatch, node: BitcoinNode
) -> None:
    repeated = coinbase(1)
    node.grow(repeated)
    node.grow(repeated)
    monkeypatch.setattr("graph_api.domain.ids.REPEATED_COINBASES", {repeated.txid: 2})

    first, second = transactions(await read(source_of(node), 1, 2))

    assert first.hash == second.hash == repeated.txid
    assert second.id == f"{first.id}@2"


async def test_heads_come_as_they_are_found(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    node.grow()
    heads = source_of(node).heads()

    assert (await anext(heads)).number == 1
    node.grow()
    assert (await anext(heads)).number == 2
    node.drop(2)
    assert (await anext(heads)).number == 1
    await heads.aclose()  # type: ignore[attr-defined]


async def test_a_chain_that_changes_while_it_is_read_is_told(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    for _ in range(3):
        node.grow()
    source = source_of(node)
    reading = source.blocks(1, 3)
    assert (await anext(reading)).ref.number == 1

    node.drop(1)
    for _ in range(3):
        node.grow(note=b"fork")

    with pytest.raises(Reorged, match="does not follow"):
        async for _ in reading:
            pass
    with pytest.raises(Reorged, match="does not reach block 4"):
        await read(source, 3, 4)


@pytest.mark.parametrize(
    ("fault", "words", "lie"),
    [
        ("wrong_chain", "first block", lambda m, a: "ff" * 32 if m == "getblockhash" else a),
        ("wrong_block", "says 7 of itself", lambda m, a: _set(m, a, height=7)),
        ("wrong_block", "it sent", lambda m, a: _set(m, a, hash="00" * 32)),
        ("false_header", "hashes to", lambda m, a: _set(m, a, time=1)),
        ("false_header", "hashes to", lambda m, a: _set(m, a, previousblockhash="aa" * 32)),
        ("false_header", "out of range", lambda m, a: _set(m, a, nonce=-1)),
        ("false_transactions", "merkle root", lambda m, a: _without_last(m, a)),
        ("false_transactions", "twice", lambda m, a: _twice_last(m, a)),
        ("false_transactions", "another txid", lambda m, a: _more_money(m, a)),
        ("false_money", "outputs hold", lambda m, a: _poorer(m, a, worth=50, by=30)),
        ("false_money", "may make", lambda m, a: _poorer(m, a, worth=20, by=0.25)),
    ],
)
async def test_a_lie_is_named_and_another_node_is_asked(
    node: BitcoinNode,
    source_of: Callable[..., BitcoinSource],
    fault: str,
    words: str,
    lie: Callable[[str, Any], Any],
) -> None:
    _economy(node, fees=True)

    def liar(method: str, params: list[Any]) -> Any:
        return lie(method, node(method, params))

    truth = await read(source_of(node), 1, 4)
    source = source_of(liar, node)
    alone = source_of(liar)

    assert await read(source, 1, 4) == truth
    first, second = source._endpoints.status()
    assert (first.state, first.fault, second.fault) == ("quarantined", fault, None)
    assert words in (first.fault_text or "")
    assert first.remedy
    with pytest.raises(UpstreamUnavailable):
        await read(alone, 1, 4)


async def test_a_block_without_its_work_is_not_believed(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    block = node.grow()
    found = next(
        other
        for nonce in range(1_000)
        if (other := replace(block, nonce=nonce)) and _digest(other)[0] >= 0x80
    )
    node.blocks[1] = replace(found, hash=_digest(found).hex())
    source = source_of(node)

    with pytest.raises(UpstreamUnavailable):
        await read(source, 1, 1)
    assert faults(source) == ["false_header"]


async def test_a_transaction_that_was_not_asked_for_is_no_coin(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    _economy(node)
    other = node.blocks[4].made[0].whole.hex()
    told = replace(node, verbosity=2)

    def liar(method: str, params: list[Any]) -> Any:
        return other if method == "getrawtransaction" else told(method, params)

    source = source_of(liar)
    with pytest.raises(UpstreamUnavailable):
        await read(source, 1, 4)
    assert faults(source) == ["false_transactions"]


async def test_a_node_that_stands_still_or_still_loads_is_no_head(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    old, loading = BitcoinNode(), replace(node, loading=True)
    old.grow(time=NOON - 5 * 3600 - 600)
    loading.blocks = {}
    loading.grow()
    node.grow(time=NOON - 3600)
    source = source_of(old, loading, node)

    assert (await source.head()).hash == node.blocks[1].hash
    assert faults(source) == ["stale_head", "stale_head", None]


async def test_amounts_in_json_lose_nothing(
    node: BitcoinNode, source_of: Callable[..., BitcoinSource]
) -> None:
    amounts = (1, 29, 11_40000003, 38_59999967)
    node.grow(coinbase(1, *((amount, P2PKH) for amount in amounts)))

    [found] = transactions(await read(source_of(replace(node, hexes=False)), 1, 1))

    assert tuple(output.amount_raw for output in found.outputs) == amounts


@settings(max_examples=60, deadline=None)
@given(
    spends=st.lists(
        st.tuples(st.binary(min_size=32, max_size=32).map(bytes.hex), st.integers(0, 2**32 - 1)),
        max_size=300,
    ),
    pays=st.lists(
        st.tuples(st.integers(0, 2**63), st.binary(max_size=300).map(bytes.hex)), max_size=300
    ),
    witnesses=st.lists(st.binary(max_size=300), max_size=4),
)
def test_what_is_serialised_is_read_back(
    spends: list[tuple[str, int]], pays: list[tuple[int, str]], witnesses: list[bytes]
) -> None:
    made = Made(tuple(spends), tuple(pays), witnesses=tuple(witnesses) if spends else ())

    found = read_transaction(made.whole)

    assert found.txid == made.txid
    assert list(found.outputs) == pays
    assert found.coinbase is (not spends)
    assert list(found.inputs) == spends


def test_subsidies_end_and_targets_are_those_of_the_chain() -> None:
    assert [subsidy(height) for height in (0, 209_999, 210_000, 840_000, 6_929_999, 6_930_000)] == [
        50 * COIN,
        50 * COIN,
        25 * COIN,
        312_500_000,
        1,
        0,
    ]
    assert sum(subsidy(height) * 210_000 for height in range(0, 7_000_000, 210_000)) == (
        20_999_999_97690000
    )
    assert target(0x1D00FFFF) == 0xFFFF << 208
    assert target(0x02008000) == 0x80
    assert merkle_root(["ab" * 32]) == "ab" * 32


def _economy(node: BitcoinNode, *, fees: bool = False) -> None:
    """Four blocks: coins made, paid, and paid on in the block that made them."""
    first = node.grow().made[0]
    node.grow()
    paid = Made(((first.txid, 0),), ((20 * COIN, P2PKH), (30 * COIN - 1, "51")))
    kept = 20 * COIN - (COIN // 2 if fees else 0)
    split = Made(((paid.txid, 0),), ((10 * COIN, P2PKH), (kept - 10 * COIN, "51")))
    node.grow(coinbase(3, (50 * COIN + 1, P2PKH)), paid)
    again = Made(((split.txid, 0),), ((10 * COIN, P2PKH),))
    taken = 50 * COIN + (COIN // 2 if fees else 0)
    node.grow(coinbase(4, (taken, P2PKH)), split, again)


def _set(method: str, answer: Any, **fields: Any) -> Any:
    if method != "getblock" or not isinstance(answer, dict):
        return answer
    return answer | fields


def _without_last(method: str, answer: Any) -> Any:
    return answer | {"tx": answer["tx"][:-1]} if method == "getblock" else answer


def _twice_last(method: str, answer: Any) -> Any:
    if method != "getblock" or len(answer["tx"]) % 2 == 0:
        return answer
    return answer | {"tx": [*answer["tx"], answer["tx"][-1]]}


def _more_money(method: str, answer: Any) -> Any:
    if method != "getblock":
        return answer
    first, *others = answer["tx"]
    return answer | {"tx": [first | {"hex": first["hex"].replace("00f2052a", "00f3052a")}, *others]}


def _poorer(method: str, answer: Any, *, worth: float, by: float) -> Any:
    """Coins of ``worth`` that a block spends hold less than they do."""
    for spent in answer["tx"][1:] if method == "getblock" else ():
        if spent["vin"][0]["prevout"]["value"] == worth:
            spent["vin"][0]["prevout"]["value"] -= by
    return answer


def _digest(block: Mined) -> bytes:
    return double(block.head)[::-1]


def _grown(count: int, note: bytes = b"") -> BitcoinNode:
    made = BitcoinNode()
    for _ in range(count):
        made.grow(note=note)
    return made


async def test_a_head_far_below_that_of_another_node_is_stale(
    source_of: Callable[..., BitcoinSource],
) -> None:
    behind, node = _grown(8), _grown(12)
    source = source_of(behind, node)

    assert (await source.head()).hash == node.blocks[12].hash
    assert faults(source) == ["stale_head", None]
    assert source._endpoints.status()[0].fault_text == (
        "Its newest block is 4 below that of another endpoint."
    )
    near = source_of(_grown(9), node)
    assert (await near.head()).number == 12
    assert faults(near) == [None, None]


async def test_of_three_nodes_the_one_on_another_fork_is_left_alone(
    source_of: Callable[..., BitcoinSource],
) -> None:
    truth = _grown(12)
    source = source_of(_grown(12, note=b"fork"), truth, _grown(12))

    assert (await source.head()).hash == truth.blocks[12].hash
    assert faults(source) == ["contradicted", None, None]
    assert [one.ref.hash for one in await read(source, 1, 3)] == [
        truth.blocks[at].hash for at in (1, 2, 3)
    ]


async def test_of_two_nodes_that_disagree_on_what_is_final_neither_is_believed(
    source_of: Callable[..., BitcoinSource],
) -> None:
    source = source_of(_grown(12), _grown(12, note=b"fork"))

    with pytest.raises(UpstreamUnavailable, match="different hashes for the final block 6"):
        await source.head()
    assert faults(source) == ["contradicted", "contradicted"]


async def test_a_node_that_changes_its_past_after_its_head_was_believed_is_found(
    source_of: Callable[..., BitcoinSource],
) -> None:
    truth, other, false = _grown(12), _grown(12), _grown(12, note=b"fork")
    turned: list[bool] = []

    def turncoat(method: str, params: list[Any]) -> Any:
        return (false if turned else truth)(method, params)

    source = source_of(turncoat, truth, other)
    await source.head()
    turned.append(True)

    assert [one.ref.hash for one in await read(source, 1, 4)] == [
        truth.blocks[at].hash for at in range(1, 5)
    ]
    assert faults(source) == ["contradicted", None, None]
