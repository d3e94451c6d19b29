"""Webhooks' bodies become the facts that a node tells, once, in whatever order they come."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from graph_api.domain.chains import chain_of
from graph_api.domain.events import Event, Line, Topic
from graph_api.domain.ids import ChainId
from graph_api.domain.principals import LOCAL
from graph_api.domain.records import Transaction, Transfer
from graph_api.domain.webhooks import Sender, call_of
from graph_api.store import outbox, scanners
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.vault import inbox
from graph_api.vault.home import default_url
from graph_api.vault.inbox import DeliveryState
from graph_api.vault.pages import First
from graph_api.vault.vault import Vault
from ingest.pipelines.following import Follower
from ingest.pipelines.inbox import Worked, Worker
from ingest.sources.chain import BlockFacts
from tests.conftest import empty
from tests.given import ETHEREUM, NOW, difference, snapshot
from tests.ingest import saying
from tests.ingest.chains import FIRST, GivenChain
from tests.ingest.sources.solana.test_helius import payload
from tests.ingest.sources.solana.test_transfers import People, _pay
from tests.ingest.sources.solana.validator import Validator
from tests.server.served import ROOT

CHAIN = ChainId(ETHEREUM.id)
SECOND = timedelta(seconds=1)


class Post:
    """Puts bodies on record as the API does, and works them off."""

    def __init__(self, graph: Graph, vault: Vault) -> None:
        self.graph, self.vault, self.count = graph, vault, 0

    async def put(self, sender: Sender, *bodies: bytes, hook: str = "main") -> list[bool]:
        stored = []
        for body in bodies:
            self.count += 1
            stored.append(
                await inbox.accept(
                    self.vault,
                    LOCAL,
                    body,
                    id=f"{self.count:04}",
                    sender=sender,
                    hook=hook,
                    call=call_of(sender, body),
                    now=NOW + self.count * SECOND,
                )
            )
        return stored

    async def drain(self, *, rejects: Path | None = None) -> list[Worked]:
        worked: list[Worked] = []
        later = NOW + timedelta(hours=3)
        worker = Worker(
            self.graph, self.vault, clock=lambda: later, report=worked.append, rejects=rejects
        )
        await worker.drain()
        return worked

    async def states(self) -> Counter[DeliveryState]:
        page = await inbox.history(self.vault, LOCAL, First(500), states=tuple(DeliveryState))
        return Counter(one.state for one in page.rows)

    async def reasons(self) -> list[str | None]:
        page = await inbox.history(self.vault, LOCAL, First(500))
        return [one.reason for one in page.rows]


@pytest.fixture
def post(graph: Graph, vault: Vault) -> Post:
    return Post(graph, vault)


def grown(count: int, *, seed: int = 0) -> tuple[GivenChain, list[BlockFacts]]:
    chain = GivenChain(ETHEREUM, seed=seed)
    chain.grow(count)
    return chain, blocks_of(chain)


def blocks_of(chain: GivenChain) -> list[BlockFacts]:
    return list(chain._blocks)


def with_tokens(*, but: str | None = None, seed: int = 0) -> BlockFacts:
    """A block in which tokens move, other than the block with the hash ``but``."""
    for more in range(100):
        for block in grown(9, seed=seed + more)[1]:
            if any(":log:" in one for one in ids_of(block)) and block.ref.hash != but:
                return block
    raise AssertionError("no tokens move")


def ids_of(*blocks: BlockFacts) -> list[str]:
    """Ids of the transfers of ``blocks``."""
    return sorted(one.id for block in blocks for one in block.records if isinstance(one, Transfer))


async def follow(graph: Graph, chain: GivenChain) -> None:
    turn = Turn(graph, clock=lambda: NOW)
    try:
        await Follower(graph, turn, chain, start=FIRST).run(until=chain.height)
    finally:
        await turn.give_back()


async def events(graph: Graph, line: Line, chain: str = CHAIN) -> list[Event]:
    return await outbox.after(graph, line, chain, 0, limit=10_000)


def told(found: list[Event], topic: Topic) -> list[str]:
    return sorted(event.body["id"] for event in found if event.topic is topic)


async def alive(graph: Graph) -> list[str]:
    rows = await graph.run_alone("MATCH (t:Transfer) RETURN t.id AS id")
    return sorted(row["id"] for row in rows)


def standing(found: list[Event]) -> list[str]:
    """What a reader of the stream takes for true at its end; each position at most once."""
    there: list[str] = []
    for event in found:
        if event.topic is Topic.TRANSFER_SEEN:
            assert event.body["id"] not in there
            there.append(event.body["id"])
        else:
            there.remove(event.body["id"])
    return sorted(there)


async def test_bodies_are_the_facts_of_their_blocks(post: Post) -> None:
    _, blocks = grown(12)
    await post.put(Sender.MORALIS, *(saying.moralis(block) for block in blocks))

    await post.drain()

    seen = await events(post.graph, Line.TRANSFERS)
    assert await post.states() == {DeliveryState.DONE: len(blocks)}
    assert await alive(post.graph) == ids_of(*blocks) == told(seen, Topic.TRANSFER_SEEN)
    amounts = {
        one.id: str(one.amount_raw)
        for block in blocks
        for one in block.records
        if isinstance(one, Transfer)
    }
    assert {event.body["id"]: event.body["amount_raw"] for event in seen} == amounts
    assert await events(post.graph, Line.FINALIZED) == []


async def test_internal_movements_of_moralis_are_left_out_with_a_reason(
    post: Post, tmp_path: Path
) -> None:
    block = with_tokens()
    transaction = next(one for one in block.records if isinstance(one, Transaction))
    moved = {"from": "0x" + "a1" * 20, "to": "0x" + "b2" * 20, "value": "7", "gas": "21000"}
    moved |= {"transactionHash": transaction.hash}
    internal = [moved, moved | {"value": "0"}]
    await post.put(
        Sender.MORALIS,
        saying.moralis(block, internal=internal),
        saying.moralis(block, internal=internal, confirmed=True),
    )

    worked = await post.drain(rejects=tmp_path / "rejects")

    assert await post.states() == {DeliveryState.DONE: 2}
    assert await alive(post.graph) == ids_of(block)
    assert [one.left_out for one in worked] == [0, 1]
    file = tmp_path / "rejects" / "webhook-moralis-main.jsonl"
    (line,) = file.read_text().splitlines()
    left = msgspec.json.decode(line)
    assert (left["file"], left["line"]) == (transaction.id, block.ref.number)
    assert "a node that traces" in left["reason"]
    assert msgspec.json.decode(left["row"]) == moved


@pytest.mark.parametrize("seed", range(3))
async def test_order_and_repetition_do_not_matter(post: Post, seed: int) -> None:
    _, blocks = grown(8)
    bodies = [
        saying.moralis(block, confirmed=confirmed, stream=stream)
        for block in blocks
        for confirmed in (False, True)
        for stream in ("one", "two")
    ]
    shuffled = [*bodies, *bodies[::3]]
    random.Random(seed).shuffle(shuffled)
    for number, body in enumerate(shuffled):
        await post.put(Sender.MORALIS, body, hook=f"hook-{number % 2}")
        if number % 7 == 0:
            await post.drain()
    await post.drain()

    seen = await events(post.graph, Line.TRANSFERS)
    final = await events(post.graph, Line.FINALIZED)
    assert set(await post.states()) == {DeliveryState.DONE}
    assert await alive(post.graph) == ids_of(*blocks)
    assert told(seen, Topic.TRANSFER_SEEN) == ids_of(*blocks)
    assert told(final, Topic.TRANSFER_FINALIZED) == ids_of(*blocks)
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))


async def test_unconfirmed_bodies_settle_nothing_and_give_way(post: Post) -> None:
    chain, before = grown(6)
    await post.put(Sender.MORALIS, *(saying.moralis(block) for block in before))
    await post.drain()
    chain.fork(4)
    after = blocks_of(chain)
    await post.put(Sender.MORALIS, *(saying.moralis(block) for block in after[2:]))
    await post.drain()
    assert await alive(post.graph) == ids_of(*after)

    # What comes late from before is no longer true, and what is confirmed stays.
    confirmed = [saying.moralis(block, confirmed=True) for block in after]
    late = [saying.moralis(block, stream="two") for block in before]
    await post.put(Sender.MORALIS, *late[:4], *confirmed, *late[4:])
    await post.drain()

    assert await alive(post.graph) == ids_of(*after)
    seen = await events(post.graph, Line.TRANSFERS)
    assert standing(seen) == ids_of(*after)
    final = await events(post.graph, Line.FINALIZED)
    assert told(final, Topic.TRANSFER_FINALIZED) == ids_of(*after)


async def test_a_transaction_that_moved_to_another_block_is_in_one(post: Post) -> None:
    block = with_tokens()
    moved = msgspec.structs.replace(
        with_tokens(but=block.ref.hash, seed=7),
        ref=msgspec.structs.replace(block.ref, number=block.ref.number + 1, hash="0x" + "ab" * 32),
        records=tuple(
            msgspec.structs.replace(one, number=block.ref.number + 1)
            if hasattr(one, "number")
            else one
            for one in block.records
        ),
    )
    await post.put(Sender.MORALIS, saying.moralis(block), saying.moralis(moved))

    await post.drain()

    assert await alive(post.graph) == ids_of(block)
    rows = await post.graph.run_alone("MATCH (t:Transfer) RETURN DISTINCT t.block_number AS n")
    assert [row["n"] for row in rows] == [block.ref.number + 1]
    assert standing(await events(post.graph, Line.TRANSFERS)) == ids_of(block)


async def test_alchemy_takes_back_what_it_says_is_removed(post: Post) -> None:
    block = with_tokens()
    await post.put(
        Sender.ALCHEMY,
        saying.alchemy(block, id="1", said_at=NOW),
        saying.alchemy(block, id="2", said_at=NOW + SECOND, removed=True),
    )
    await post.drain()

    assert await alive(post.graph) == []
    seen = await events(post.graph, Line.TRANSFERS)
    assert told(seen, Topic.TRANSFER_RETRACTED) == told(seen, Topic.TRANSFER_SEEN) != []

    # The chain may turn back to it.
    await post.put(Sender.ALCHEMY, saying.alchemy(block, id="3", said_at=NOW + 2 * SECOND))
    await post.drain()
    assert standing(await events(post.graph, Line.TRANSFERS)) == await alive(post.graph) != []


async def test_a_removal_that_overtakes_what_it_removes_still_holds(post: Post) -> None:
    block = with_tokens()
    await post.put(
        Sender.ALCHEMY,
        saying.alchemy(block, id="2", said_at=NOW + SECOND, removed=True),
        saying.alchemy(block, id="1", said_at=NOW),
    )

    await post.drain()

    assert await alive(post.graph) == []
    assert await events(post.graph, Line.TRANSFERS) == []


async def test_two_senders_tell_of_one_transfer_once(post: Post) -> None:
    block = with_tokens()
    await post.put(Sender.ALCHEMY, saying.alchemy(block, id="1", said_at=NOW))
    await post.put(Sender.MORALIS, saying.moralis(block))

    await post.drain()

    seen = await events(post.graph, Line.TRANSFERS)
    assert told(seen, Topic.TRANSFER_SEEN) == ids_of(block) == await alive(post.graph)


async def test_helius_tells_what_the_block_tells(post: Post) -> None:
    people = People(Validator())
    done = people.send(_pay(people.a, people.b, 7))
    solana = chain_of("solana").id
    await post.put(Sender.HELIUS, payload(done))

    (worked,) = await post.drain()

    assert worked.reason is None
    seen = await events(post.graph, Line.TRANSFERS, solana)
    assert [event.body["amount_raw"] for event in seen] == ["7"]
    assert await alive(post.graph) == [event.body["id"] for event in seen]


# Beside a follower


@pytest.mark.parametrize("seed", range(3))
async def test_a_follower_makes_of_what_was_told_the_graph_of_its_chain(
    post: Post, seed: int
) -> None:
    chain, _ = grown(4, seed=seed)
    await follow(post.graph, chain)
    chain.grow(5)
    await post.put(Sender.MORALIS, *(saying.moralis(block) for block in blocks_of(chain)))
    await post.put(
        Sender.ALCHEMY,
        *(
            saying.alchemy(block, id=f"{place}", said_at=NOW)
            for place, block in enumerate(blocks_of(chain)[::2])
        ),
    )
    await post.drain()
    chain.fork(3)
    await follow(post.graph, chain)
    chain.fork(7)
    await post.put(
        Sender.MORALIS, *(saying.moralis(block, stream="two") for block in blocks_of(chain)[5:])
    )
    await post.drain()
    await follow(post.graph, chain)
    together = await snapshot(post.graph)
    seen = await events(post.graph, Line.TRANSFERS)

    assert standing(seen) == ids_of(*blocks_of(chain)) == await alive(post.graph)
    assert set(await post.states()) == {DeliveryState.DONE}
    await empty(post.graph)
    await follow(post.graph, chain)
    assert difference(together, await snapshot(post.graph)) == ""


async def test_a_follower_says_what_is_final_where_there_is_one(post: Post) -> None:
    chain, blocks = grown(6)
    await follow(post.graph, chain)
    await post.put(Sender.MORALIS, *(saying.moralis(block, confirmed=True) for block in blocks))

    await post.drain()

    assert await events(post.graph, Line.FINALIZED) == []
    chain.grow(ETHEREUM.finality_depth)
    await follow(post.graph, chain)
    final = await events(post.graph, Line.FINALIZED)
    scanner = await scanners.by_chain(post.graph, CHAIN)
    assert scanner is not None
    assert scanner.final is not None
    deep = [block for block in blocks_of(chain) if block.ref.number <= scanner.final]
    assert told(final, Topic.TRANSFER_FINALIZED) == ids_of(*deep)


async def test_what_was_fetched_is_not_changed_by_what_is_told(post: Post) -> None:
    chain, before = grown(6)
    chain.fork(4)
    await follow(post.graph, chain)
    followed = await snapshot(post.graph)

    lies = [
        saying.moralis(block, confirmed=confirmed)
        for block in before
        for confirmed in (False, True)
    ]
    await post.put(Sender.MORALIS, *lies)
    await post.put(
        Sender.ALCHEMY,
        *(
            saying.alchemy(block, id=f"{block.ref.number}", said_at=NOW, removed=True)
            for block in blocks_of(chain)
        ),
    )
    await post.drain()

    assert difference(followed, await snapshot(post.graph)) == ""


# Poison


POISON = {
    Sender.MORALIS: [
        b"{",
        b"null",
        b"[" * 50_000,
        b"\xff\xfe",
        b'{"confirmed":true,"chainId":"0x1","block":{"number":"-1","hash":"","timestamp":"1"}}',
        b'{"confirmed":true,"chainId":"0x99999","block":{"number":"1","hash":"","timestamp":"1"}}',
        b'{"confirmed":true,"chainId":"btc-mainnet","block":{"height":1}}',
    ],
    Sender.ALCHEMY: [
        b"{}",
        b'{"id":"a","createdAt":"2024-05-17T12:00:00Z","type":"GRAPHQL","event":{}}',
        b'{"id":"b","createdAt":"2024-05-17T12:00:00Z","type":"ADDRESS_ACTIVITY","event":'
        b'{"network":"NOWHERE","activity":[]}}',
        b'{"id":"c","createdAt":"2024-05-17T12:00:00Z","type":"ADDRESS_ACTIVITY","event":'
        b'{"network":"ETH_MAINNET","activity":[null]}}',
    ],
    Sender.HELIUS: [b"", b"nothing", b'[{"signature":"x"}]', b"[1]", b'"\\ud800"', b"[" * 50_000],
}


@pytest.mark.parametrize("sender", list(Sender))
async def test_poison_is_set_aside_with_its_reason_and_costs_no_other(
    post: Post, sender: Sender
) -> None:
    block = with_tokens()
    for body in POISON[sender]:
        await post.put(sender, body)
    good = with_tokens(seed=50)
    await post.put(Sender.MORALIS, saying.moralis(block))
    await post.put(sender, *POISON[sender])

    await post.drain()

    reasons = await post.reasons()
    assert await post.states() == {DeliveryState.DEAD: len(POISON[sender]), DeliveryState.DONE: 1}
    assert all(reason and reason.endswith(".") for reason in reasons)
    assert await alive(post.graph) == ids_of(block) != ids_of(good)


async def test_what_can_be_read_of_a_body_is_written_and_the_rest_told(post: Post) -> None:
    block = with_tokens()
    body = msgspec.json.decode(saying.moralis(block))
    body["logs"].append({"logIndex": "7", "transactionHash": "0x12", "address": "0x34"})
    body["txs"].append(17)
    await post.put(Sender.MORALIS, msgspec.json.encode(body))

    (worked,) = await post.drain()

    assert worked.written
    assert worked.reason is not None
    assert "1 more" in worked.reason
    assert await alive(post.graph) == ids_of(block)
    (dead,) = (await inbox.history(post.vault, LOCAL)).rows
    await inbox.replay(post.vault, LOCAL, dead.id)
    (again,) = await post.drain()
    assert (again.written, again.reason) == (0, worked.reason)
    assert told(await events(post.graph, Line.TRANSFERS), Topic.TRANSFER_SEEN) == ids_of(block)


async def test_what_was_loaded_from_elsewhere_is_not_dropped(post: Post) -> None:
    block = with_tokens()
    turn = Turn(post.graph, clock=lambda: NOW)
    await turn.write(list(block.records))
    await turn.give_back()
    before = await snapshot(post.graph)
    other = msgspec.structs.replace(
        block, ref=msgspec.structs.replace(block.ref, hash="0x" + "cd" * 32)
    )
    await post.put(Sender.MORALIS, saying.moralis(other, confirmed=True))

    (worked,) = await post.drain()

    assert worked.reason is not None
    assert "loaded from elsewhere" in worked.reason
    assert difference(before, await snapshot(post.graph)) == ""


# A worker that is killed


async def test_a_worker_killed_between_any_two_steps_loses_none_and_doubles_none(
    post: Post, graph_address: GraphAddress, tmp_path: Path
) -> None:
    _, blocks = grown(5)
    bodies = [
        saying.moralis(block, confirmed=confirmed)
        for block in blocks
        for confirmed in (False, True)
    ]
    await post.put(Sender.MORALIS, *bodies)
    await post.put(Sender.ALCHEMY, b"{}")
    killed, now = 0, NOW + timedelta(hours=1)
    for life in range(200):
        # Every life goes one step further than the one before it could.
        if await _live(default_url(tmp_path), graph_address, steps=3 + life, now=now):
            break
        killed += 1
        now += timedelta(hours=2)

    assert killed > 5
    assert await post.states() == {DeliveryState.DONE: len(bodies), DeliveryState.DEAD: 1}
    assert await alive(post.graph) == ids_of(*blocks)
    seen = await events(post.graph, Line.TRANSFERS)
    assert told(seen, Topic.TRANSFER_SEEN) == ids_of(*blocks)
    final = await events(post.graph, Line.FINALIZED)
    assert told(final, Topic.TRANSFER_FINALIZED) == ids_of(*blocks)


async def _live(vault: str, address: GraphAddress, *, steps: int, now: datetime) -> bool:
    """Let a worker take so many steps, then kill it; whether it came to its end before."""
    environment = {
        "DESKGRAPH_NEO4J__URL": address.url,
        "DESKGRAPH_NEO4J__USER": address.user,
        "DESKGRAPH_NEO4J__PASSWORD": address.password,
        "DESKGRAPH_NEO4J__DATABASE": address.database,
    }
    process = _started(vault, steps, now, environment)
    try:
        assert process.stdout is not None
        said = await asyncio.to_thread(process.stdout.readline)
        assert said in ("stopped\n", "done\n")
        os.kill(process.pid, signal.SIGKILL)
        return said == "done\n"
    finally:
        process.kill()
        process.communicate()


def _started(
    vault: str, steps: int, now: datetime, environment: dict[str, str]
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        (sys.executable, "-m", "tests.ingest.inbox_child", vault, str(steps), now.isoformat()),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
