"""The allocation of inputs to outputs, against a satoshi by satoshi reading of its definition."""

from itertools import groupby, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.analysis.allocation import fee_raw, sole_sender, transfers
from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    native_token,
    output_id,
    spent_output_id,
    utxo_transaction_id,
)
from graph_api.domain.records import Output, Spend, UtxoTransaction

BITCOIN = chain_of("bitcoin")
TXID = "ab" * 32
EARLIER = "cd" * 32

Owned = tuple[str | None, int]


def owner(name: str | None) -> AccountId | None:
    return AccountId(f"{BITCOIN.id}:{name}") if name else None


def transaction(
    inputs: list[tuple[str | None, int | None]], outputs: list[Owned], *, coinbase: bool = False
) -> UtxoTransaction:
    identity = utxo_transaction_id(BITCOIN, TXID, 170)
    return UtxoTransaction(
        id=identity,
        chain=ChainId(BITCOIN.id),
        hash=TXID,
        block_number=170,
        block_time=1_231_731_025_000,
        index=1,
        coinbase=coinbase,
        inputs=tuple(
            Spend(
                output=spent_output_id(BITCOIN, EARLIER, place),
                owner=owner(name),
                amount_raw=amount,
            )
            for place, (name, amount) in enumerate(inputs)
        ),
        outputs=tuple(
            Output(id=output_id(identity, place), owner=owner(name), amount_raw=amount)
            for place, (name, amount) in enumerate(outputs)
        ),
    )


def told(whole: UtxoTransaction) -> list[tuple[str, str | None, str, int | None]]:
    return [
        (
            transfer.position,
            transfer.sender.rpartition(":")[2] if transfer.sender else None,
            transfer.recipient.rpartition(":")[2],
            transfer.amount_raw,
        )
        for transfer in transfers(whole)
    ]


def test_inputs_are_cut_along_the_outputs_first_in_first_out() -> None:
    whole = transaction(
        [("alice", 30), ("bob", 50), ("carol", 25)], [("shop", 40), ("desk", 40), ("carol", 20)]
    )

    assert told(whole) == [
        ("out:0.0", "alice", "shop", 30),
        ("out:0.1", "bob", "shop", 10),
        ("out:1", "bob", "desk", 40),
        ("out:2", "carol", "carol", 20),
    ]
    assert fee_raw(whole) == 5
    assert all(transfer.derived for transfer in transfers(whole))


def test_neighbouring_slices_of_one_sender_are_one_transfer() -> None:
    whole = transaction([("alice", 10), ("alice", 10), ("bob", 5), ("alice", 10)], [("shop", 35)])

    assert told(whole) == [
        ("out:0.0", "alice", "shop", 20),
        ("out:0.1", "bob", "shop", 5),
        ("out:0.2", "alice", "shop", 10),
    ]


def test_a_sole_sender_needs_no_allocation() -> None:
    whole = transaction([("alice", 30), ("alice", 20)], [("shop", 35), ("alice", 14)])

    assert told(whole) == [("out:0", "alice", "shop", 35), ("out:1", "alice", "alice", 14)]
    assert not any(transfer.derived for transfer in transfers(whole))


def test_a_coinbase_has_no_sender_and_is_not_derived() -> None:
    whole = transaction([], [("miner", 50), (None, 0), ("pool", 7)], coinbase=True)

    assert told(whole) == [("out:0", None, "miner", 50), ("out:2", None, "pool", 7)]
    assert not any(transfer.derived for transfer in transfers(whole))
    assert fee_raw(whole) == 0


def test_an_unknown_owner_is_told_from_a_coinbase_by_being_derived() -> None:
    [unknown, known] = transfers(transaction([(None, 5), ("bob", 5)], [("shop", 10)]))

    assert (unknown.sender, unknown.amount_raw, unknown.derived) == (None, 5, True)
    assert (known.sender, known.amount_raw, known.derived) == (owner("bob"), 5, True)


def test_an_output_without_owner_uses_up_its_value_and_yields_nothing() -> None:
    whole = transaction([("alice", 10), ("bob", 10)], [(None, 10), ("shop", 10)])

    assert told(whole) == [("out:1", "bob", "shop", 10)]


def test_inputs_of_unknown_amount_tell_only_a_sole_sender() -> None:
    sole = transaction([("alice", None), ("alice", 5)], [("shop", 10)])
    mixed = transaction([("alice", 5), ("bob", None)], [("shop", 10)])

    assert told(sole) == [("out:0", "alice", "shop", 10)]
    assert told(mixed) == [("out:0", None, "shop", 10)]
    assert [transfer.derived for transfer in (*transfers(sole), *transfers(mixed))] == [False, True]
    assert fee_raw(sole) is None
    assert fee_raw(mixed) is None


def test_a_transfer_carries_block_time_coin_and_whole_units() -> None:
    [transfer] = transfers(transaction([("alice", 10**8)], [("shop", 25_000_000)]))

    assert transfer.id == f"{BITCOIN.id}:{TXID}:out:0"
    assert transfer.token == native_token(BITCOIN)
    assert transfer.amount == 0.25
    assert (transfer.block_number, transfer.block_time) == (170, 1_231_731_025_000)


def test_more_out_than_in_is_refused() -> None:
    with pytest.raises(BadInput, match="less than its outputs"):
        transfers(transaction([("alice", 9)], [("shop", 10)]))


def test_a_sweep_of_two_thousand_inputs_stays_small() -> None:
    inputs: list[tuple[str | None, int | None]] = [(f"user{n}", 1_000 + n) for n in range(2_000)]
    held = sum(amount or 0 for _, amount in inputs)

    swept = transfers(transaction(inputs, [("exchange", held - 900), ("exchange2", 400)]))

    assert len(swept) <= 2_002
    assert sum(transfer.amount_raw or 0 for transfer in swept) == held - 500


names = st.sampled_from(["alice", "bob", "carol", None])
amounts = st.integers(0, 25)


@st.composite
def balanced(draw: st.DrawFn) -> UtxoTransaction:
    inputs = draw(st.lists(st.tuples(names, amounts), min_size=1, max_size=8))
    held = sum(amount for _, amount in inputs)
    cuts = sorted(draw(st.lists(st.integers(0, held), min_size=1, max_size=8)))
    sizes = [after - before for before, after in zip([0, *cuts], cuts, strict=False)]
    return transaction(
        [(name, amount) for name, amount in inputs], [(draw(names), size) for size in sizes]
    )


@given(balanced())
def test_each_output_gets_the_next_satoshis_in_line(whole: UtxoTransaction) -> None:
    line = iter([spend.owner for spend in whole.inputs for _ in range(spend.amount_raw or 0)])
    expected = []
    for output in whole.outputs:
        runs = groupby(list(islice(line, output.amount_raw)))
        for sender, run in runs:
            if output.owner is not None:
                expected.append((sender, output.owner, len(list(run))))

    found = transfers(whole)

    assert [(t.sender, t.recipient, t.amount_raw) for t in found] == expected
    assert fee_raw(whole) == len(list(line))


@given(balanced())
def test_transfers_are_few_distinct_repeatable_and_in_the_order_of_the_outputs(
    whole: UtxoTransaction,
) -> None:
    found = transfers(whole)

    assert found == transfers(whole)
    assert len(found) <= len(whole.inputs) + len(whole.outputs)
    assert len({transfer.id for transfer in found}) == len(found)
    newest_first = sorted(found, key=lambda transfer: transfer.order)
    assert newest_first == found[::-1]
    assert {t.derived for t in found} <= {sole_sender(whole) is None}
