"""Solana over JSON-RPC: slots with and without blocks, forks, and nodes that lie or lag."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.records import Block, Transaction, Transfer
from ingest.sources.chain import BlockFacts, BlockRef, Reorged
from ingest.sources.solana.source import SolanaSource
from tests.ingest.sources.json_rpc import Refusal
from tests.ingest.sources.solana import programs as spl
from tests.ingest.sources.solana.reading import SOLANA
from tests.ingest.sources.solana.test_transfers import People, _pay
from tests.ingest.sources.solana.validator import FIRST_TIME, SolanaNode, Validator

Sources = Callable[..., SolanaSource]
SLOTS = (10, 11, 13, 17, 18, 19)


@pytest.fixture(scope="module")
def people() -> People:
    return People(Validator())


@pytest.fixture
def node(people: People) -> SolanaNode:
    """Six blocks in ten slots; one of them is empty."""
    sent = {
        10: [people.send(_pay(people.a, people.b, 1)), people.send(_pay(people.a, people.b, 2))],
        11: [people.send(spl.create_associated(people.a, people.b, people.m))],
        13: [people.send(spl.send(people.at_alice, people.at_bob, people.a, 3))],
        17: [people.send(_pay(people.b, people.a, 10**15))],
        18: [people.send(_pay(people.b, people.a, 4))],
        19: [],
    }
    rewards = [
        {"pubkey": str(people.b), "lamports": 5_000, "postBalance": 1, "rewardType": "Fee"},
        {"pubkey": str(people.a), "lamports": 0, "postBalance": 1, "rewardType": "Voting"},
        {"pubkey": str(people.a), "lamports": -7, "postBalance": 1, "rewardType": "Rent"},
    ]
    return SolanaNode(blocks=sent, rewards={19: rewards}, final=13)


async def read(source: SolanaSource, first: int, last: int) -> list[BlockFacts]:
    return [facts async for facts in source.blocks(first, last)]


def faults(source: SolanaSource) -> list[str | None]:
    return [status.fault for status in source._endpoints.status()]


@pytest.mark.parametrize("encoding", ["json", "jsonParsed", "base64"])
async def test_blocks_come_in_order_and_skipped_slots_are_left_out(
    node: SolanaNode, source_of: Sources, encoding: str
) -> None:
    found = await read(source_of(node, encoding=encoding, blocks_at_once=2, slots_at_once=3), 8, 19)

    assert [facts.ref.number for facts in found] == list(SLOTS)
    assert [f.ref.parent_hash for f in found[1:]] == [f.ref.hash for f in found[:-1]]
    assert found == await read(source_of(node), 8, 19)
    assert not any(facts.rejects for facts in found)
    first = found[0]
    assert first.records[0] == Block(
        chain=SOLANA.id,  # type: ignore[arg-type]
        number=10,
        hash=node.hash_of(10),
        parent_hash=node.hash_of(5),
        time=(FIRST_TIME + 10) * 1000,
    )
    signed = [record for record in first.records if isinstance(record, Transaction)]
    assert [record.index for record in signed] == [0, 1]
    assert [type(record) for record in found[3].records] == [Block, Transaction]


async def test_rewards_are_of_the_block_and_rent_is_taken(
    node: SolanaNode, source_of: Sources, people: People
) -> None:
    [facts] = await read(source_of(node), 19, 19)

    paid, taken = (record for record in facts.records if isinstance(record, Transfer))
    assert (paid.id, paid.sender, paid.recipient, paid.amount_raw, paid.transaction) == (
        f"{SOLANA.id}:block:19:reward:0",
        None,
        f"{SOLANA.id}:{people.b}",
        5_000,
        None,
    )
    assert (taken.position, taken.sender, taken.amount_raw) == (
        "reward:2",
        f"{SOLANA.id}:{people.a}",
        7,
    )


async def test_places_are_told_by_slot(node: SolanaNode, source_of: Sources) -> None:
    source = source_of(node)
    node.slot = 21

    head = BlockRef(
        number=19,
        hash=node.hash_of(19),
        parent_hash=node.hash_of(18),
        time=(FIRST_TIME + 19) * 1000,
    )
    assert await source.head() == head == await source.ref(19)
    assert await source.ref(12) is None
    assert await source.ref(22) is None
    assert await source.final() == 13
    heads = source.heads()
    assert await anext(heads) == head
    node.blocks[20] = []
    assert (await anext(heads)).number == 20
    await heads.aclose()  # type: ignore[attr-defined]


async def test_a_block_that_is_not_there_yet_is_waited_for(
    node: SolanaNode, source_of: Sources
) -> None:
    node.unready = 5

    assert [facts.ref.number for facts in await read(source_of(node), 10, 11)] == [10, 11]
    node.unready = 100
    with pytest.raises(UpstreamUnavailable):
        await read(source_of(node, attempts=3), 10, 11)


async def test_slots_beyond_the_head_are_waited_for(node: SolanaNode, source_of: Sources) -> None:
    with pytest.raises(UpstreamUnavailable):
        await read(source_of(node, attempts=3), 19, 20)


async def test_a_node_that_lags_is_passed_over(node: SolanaNode, source_of: Sources) -> None:
    source = source_of(replace(node, slot=12), node)

    assert [facts.ref.number for facts in await read(source, 10, 19)] == list(SLOTS)
    assert faults(source) == [None, None]


async def test_a_fork_between_two_readings_is_told(node: SolanaNode, source_of: Sources) -> None:
    source = source_of(node, blocks_at_once=1)
    reading = source.blocks(10, 19)
    assert (await anext(reading)).ref.number == 10

    node.fork = "x"

    with pytest.raises(Reorged, match="does not follow block"):
        async for _ in reading:
            pass


def leaves_out(node: SolanaNode, slot: int) -> Callable[[str, list[Any]], Any]:
    def liar(method: str, params: list[Any]) -> Any:
        answer = node(method, params)
        return [one for one in answer if one != slot] if method == "getBlocks" else answer

    return liar


@pytest.mark.parametrize("at_once", [1, 2, 4])
@pytest.mark.parametrize("slot", [10, 11, 13, 18])
async def test_a_block_that_is_left_out_is_found_and_the_right_node_blamed(
    node: SolanaNode, source_of: Sources, slot: int, at_once: int
) -> None:
    truth = await read(source_of(node), 10, 19)
    source = source_of(leaves_out(node, slot), node, blocks_at_once=at_once, slots_at_once=2)

    assert await read(source, 10, 19) == truth
    assert faults(source) == ["broken_link", None]


def _changed(answer: Any, change: Callable[[dict[str, Any]], None]) -> Any:
    if isinstance(answer, dict) and answer.get("transactions"):
        change(answer)
    return answer


def _more(block: dict[str, Any]) -> None:
    block["transactions"][0]["meta"]["postBalances"][1] += 10**9


def _twice(block: dict[str, Any]) -> None:
    block["transactions"].append(block["transactions"][0])


@pytest.mark.parametrize("change", [_more, _twice])
async def test_a_block_that_cannot_be_is_not_believed(
    node: SolanaNode, source_of: Sources, change: Callable[[dict[str, Any]], None]
) -> None:
    def liar(method: str, params: list[Any]) -> Any:
        return _changed(node(method, params), change)

    source = source_of(liar, node)

    assert await read(source, 10, 19) == await read(source_of(node), 10, 19)
    assert faults(source) == ["false_balances", None]


async def test_a_node_of_another_chain_or_of_yesterday_is_not_believed(
    node: SolanaNode, source_of: Sources
) -> None:
    other = replace(node, genesis="4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY")
    old = replace(node)

    def yesterday(method: str, params: list[Any]) -> Any:
        answer = old(method, params)
        if isinstance(answer, dict):
            answer["blockTime"] -= 86_400
        return answer

    source = source_of(other, yesterday, node)

    assert (await source.head()).number == 19
    assert faults(source) == ["wrong_chain", "stale_head", None]


async def test_a_transaction_that_cannot_be_understood_is_a_reject_and_the_others_stay(
    node: SolanaNode, source_of: Sources
) -> None:
    def odd(method: str, params: list[Any]) -> Any:
        def cut(block: dict[str, Any]) -> None:
            body = block["transactions"][0]["transaction"]["message"]
            body["instructions"][0]["data"] = "3"

        return _changed(node(method, params), cut)

    [facts] = await read(source_of(odd), 10, 10)

    [reject] = facts.rejects
    assert (reject.file, reject.line) == ("solana block 10", 0)
    assert "shorter than it must be" in reject.reason
    assert reject.row == node.blocks[10][0].signature
    assert [type(record) for record in facts.records] == [Block, Transaction, Transfer]


async def test_a_refusal_names_the_method(node: SolanaNode, source_of: Sources) -> None:
    def pruned(method: str, params: list[Any]) -> Any:
        if method == "getBlock":
            raise Refusal(-32001, "Block 10 cleaned up, does not exist on node.")
        return node(method, params)

    assert len(await read(source_of(pruned, node), 10, 19)) == len(SLOTS)
    with pytest.raises(Exception, match="getBlock with an error: Block 10 cleaned up"):
        await read(source_of(pruned), 10, 19)


def _long(*, fork: str = "", slot: int | None = None) -> SolanaNode:
    """A block in each of the slots 10 to 99."""
    return SolanaNode(blocks={at: [] for at in range(10, 100)}, fork=fork, slot=slot)


async def test_a_head_far_below_that_of_another_node_is_stale(source_of: Sources) -> None:
    source = source_of(_long(slot=59), _long(), stale_slots=20)

    assert (await source.head()).number == 99
    assert faults(source) == ["stale_head", None]


async def test_of_three_nodes_the_one_on_another_fork_is_left_alone(source_of: Sources) -> None:
    source = source_of(_long(fork="x"), _long(), _long())

    assert (await source.head()).hash == _long().hash_of(99)
    assert faults(source) == ["contradicted", None, None]
    (found, _) = await read(source, 20, 21)
    assert found.ref.hash == _long().hash_of(20)


async def test_of_two_nodes_that_disagree_on_what_is_final_neither_is_believed(
    source_of: Sources,
) -> None:
    source = source_of(_long(), _long(fork="x"))

    with pytest.raises(UpstreamUnavailable, match="different hashes for the final block 67"):
        await source.head()
    assert faults(source) == ["contradicted", "contradicted"]


async def test_a_node_that_changes_its_past_after_its_head_was_believed_is_found(
    source_of: Sources,
) -> None:
    turncoat = _long()
    source = source_of(turncoat, _long(), _long())
    await source.head()
    turncoat.fork = "x"

    found = await read(source, 20, 30)

    assert [one.ref.hash for one in found] == [_long().hash_of(at) for at in range(20, 31)]
    assert faults(source) == ["contradicted", None, None]
