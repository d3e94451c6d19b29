"""Payloads in Helius' shape give the transfers of a node's block, under the same ids."""

import json
import random
from typing import Any

import pytest

from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Transaction, Transfer
from ingest.sources.solana.helius import decode
from tests.ingest.sources.solana import programs as spl
from tests.ingest.sources.solana.reading import CHAIN, read, transfers
from tests.ingest.sources.solana.test_transfers import NATIVE, People, _pay, act
from tests.ingest.sources.solana.validator import FIRST_TIME, Done, Validator, enhanced, told


@pytest.fixture
def people() -> People:
    return People(Validator())


def named(records: list[Record]) -> list[Transfer]:
    """Transfers without whole units: a payload need not tell the decimals."""
    return [
        Transfer(**{name: getattr(one, name) for name in one.__struct_fields__} | {"amount": None})
        for one in transfers(records)
    ]


def payload(*done: Done) -> bytes:
    return json.dumps([enhanced(one, 9) for one in done]).encode()


def test_an_enhanced_payload_gives_what_the_block_gives(people: People) -> None:
    at_alice = spl.associated(people.a, NATIVE)
    done = people.send(
        _pay(people.a, people.b, 7),
        spl.create_associated(people.a, people.b, people.m),
        spl.send(people.at_alice, people.at_bob, people.a, 30),
        spl.create_associated(people.a, people.a, NATIVE),
        _pay(people.a, at_alice, 5),
        spl.sync(at_alice),
        spl.close(at_alice, people.b, people.a),
    )

    records, rejects = decode(payload(done), CHAIN)

    assert not rejects
    assert named(records) == named(read(done))
    [transaction] = [record for record in records if isinstance(record, Transaction)]
    [by_node] = [record for record in read(done) if isinstance(record, Transaction)]
    assert (transaction.id, transaction.fee_raw, transaction.block_time, transaction.index) == (
        by_node.id,
        by_node.fee_raw,
        by_node.block_time,
        None,
    )


def test_a_raw_payload_is_the_block(people: People) -> None:
    done = people.send(_pay(people.a, people.b, 7))
    raw = told(done, "json") | {"slot": 9, "blockTime": FIRST_TIME + 9, "indexWithinBlock": 0}

    assert decode(json.dumps([raw]).encode(), CHAIN) == (read(done), [])
    assert decode(json.dumps(raw).encode(), CHAIN) == (read(done), [])


def test_a_failed_transaction_is_its_fee(people: People) -> None:
    done = people.send(_pay(people.b, people.a, 10**15))

    [record], rejects = decode(payload(done), CHAIN)

    assert not rejects
    assert isinstance(record, Transaction)
    assert (record.status, record.fee_raw) == (0, done.fee)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_it_is_the_same_or_a_reject(seed: int) -> None:
    people, dice = People(Validator()), random.Random(seed)
    same = 0

    for _ in range(30):
        done = people.send(*(each for _ in range(dice.randint(1, 3)) for each in act(people, dice)))
        records, rejects = decode(payload(done), CHAIN)
        if rejects:
            assert "Fetch the transaction by its signature." in rejects[0].reason
            assert rejects[0].row == done.signature
            assert not records
        else:
            assert named(records) == named(read(done))
            same += not done.error

    assert same > 5


def test_what_says_too_little_is_a_reject_with_its_signature(people: People) -> None:
    done = people.send(_pay(people.a, people.b, 7))
    short = enhanced(done, 9) | {"instructions": []}
    handed = people.send(spl.hand(people.at_alice, people.a, people.b))

    body = json.dumps([short, enhanced(handed, 9), {"signature": "x"}, 5, enhanced(done, 9)])
    records, rejects = decode(body.encode(), CHAIN)

    assert transfers(records) == transfers(read(done))
    assert [(one.file, one.line, one.row) for one in rejects] == [
        ("helius", 0, done.signature),
        ("helius", 1, handed.signature),
        ("helius", 2, "x"),
        ("helius", 3, ""),
    ]
    assert "no instructions" in rejects[0].reason


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_refused(body: Any) -> None:
    with pytest.raises(BadInput, match="no JSON"):
        decode(body, CHAIN)
