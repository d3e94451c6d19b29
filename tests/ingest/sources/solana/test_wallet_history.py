"""Solana's accounts, looked up in the index of a node: all that names them, each thing once."""

from collections.abc import Callable
from typing import Any

import pytest

from graph_api.domain.errors import UpstreamUnavailable
from graph_api.domain.ids import account_id
from graph_api.domain.records import Transaction
from ingest.sources.histories import Told
from ingest.sources.solana import signatures
from ingest.sources.solana.source import SolanaSource
from ingest.sources.solana.wallet_history import SolanaHistory
from tests.ingest.sources.solana import programs as spl
from tests.ingest.sources.solana.indexed import IndexedNode
from tests.ingest.sources.solana.reading import SOLANA, read, transfers
from tests.ingest.sources.solana.test_transfers import People, _pay
from tests.ingest.sources.solana.validator import Done, Validator

Sources = Callable[..., SolanaSource]
#: So many signatures make a page here.
PAGE = 3


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages end within slots, and in the middle of what several accounts have in common."""
    monkeypatch.setattr(signatures, "PAGE", PAGE)


def lived(people: People, *, times: int = 4) -> IndexedNode:
    """Bob is paid by others to an account that he closes, opens again, and has still."""
    executed: list[Done] = [people.founded]

    def send(*instructions: Any) -> None:
        executed.append(people.send(*instructions))

    for turn in range(2):
        send(spl.create_associated(people.a, people.b, people.m))
        for number in range(times):
            # Bob is not named.
            send(spl.send(people.at_alice, people.at_bob, people.a, 10 * turn + number + 1))
            send(_pay(people.b, people.a, 1_000 + 10 * turn + number))
        send(_pay(people.b, people.a, 10**15))
        if turn == 0:
            sum_of = sum(number + 1 for number in range(times))
            send(
                spl.burn(people.at_bob, people.m, people.b, sum_of),
                spl.close(people.at_bob, people.b, people.b),
            )
    # Two in a slot, and some slots without a block.
    slots = [10 + 3 * (at // 2) for at in range(len(executed))]
    node = IndexedNode(final=slots[-1])
    for slot, done in zip(slots, executed, strict=True):
        node.blocks.setdefault(slot, []).append(done)
    return node


def names_bob(people: People, done: Done) -> bool:
    return str(people.b) in done.keys or str(people.at_bob) in done.keys


async def history(source: SolanaSource, people: People, **more: Any) -> list[Told]:
    """What is told of bob, newest first."""
    reader = SolanaHistory(source, **{"at_once": 2, **more})
    last = await reader.settled()
    return [one async for one in reader.told(account_id(SOLANA, str(people.b)), 0, last)]


@pytest.fixture
def people() -> People:
    return People(Validator())


async def test_what_names_an_account_or_its_token_accounts_is_told_once(
    source_of: Sources, people: People
) -> None:
    node = lived(people)

    told = await history(source_of(node), people)

    theirs = [one for block in node.blocks.values() for one in block if names_bob(people, one)]
    expected = [record for done in theirs for record in read(done)]
    found = [record for one in told for record in one.records]
    assert sorted(one.id for one in found if isinstance(one, Transaction)) == sorted(
        one.id for one in expected if isinstance(one, Transaction)
    )
    ids = [one.id for one in transfers(found)]
    assert sorted(ids) == sorted(one.id for one in transfers(expected))
    assert len(set(ids)) == len(ids)
    assert {one.status for one in found if isinstance(one, Transaction)} == {0, 1}
    assert not [reject for one in told for reject in one.rejects]
    assert told[0].last == node.final
    assert told[-1].first == 0
    assert [one.last for one in told[1:]] == [one.first - 1 for one in told[:-1]]


async def test_a_closed_account_is_found_by_its_closing_with_what_came_before(
    source_of: Sources, people: People
) -> None:
    node = lived(people)
    # As if it had not been opened again: no list of open accounts names it.
    closing = max(
        slot
        for slot, done in node.blocks.items()
        if any(str(people.at_bob) in one.tokens[0] for one in done)
        and any(str(people.at_bob) not in one.tokens[1] for one in done)
    )
    node.final = closing

    told = await history(source_of(node), people)
    by_owner = [one for one in told if one.accounts]
    again = await history(source_of(node), people, remembered=_remembering(str(people.at_bob)))

    moved = {one.amount_raw for tell in told for one in transfers(tell.records)}
    assert {1, 2, 3, 4} <= moved
    assert [one.accounts for one in by_owner] == [(str(people.at_bob),)]
    assert not [one for one in again if one.accounts]


def _remembering(address: str) -> Callable[[Any], Any]:
    async def remembered(_: Any) -> list[str]:
        return [address]

    return remembered


async def test_an_account_that_is_found_late_is_told_of_above_too(
    source_of: Sources, people: People
) -> None:
    node = lived(people, times=2)
    # Nobody lists it, as if another had closed it in the end; what is newest names it alone.
    node._accounts = lambda owner, program: {"value": []}  # type: ignore[method-assign]

    told = await history(source_of(node), people, at_once=1)

    ids = [one.id for tell in told for one in transfers(tell.records)]
    theirs = [one for block in node.blocks.values() for one in block if names_bob(people, one)]
    assert sorted(ids) == sorted(one.id for done in theirs for one in transfers(read(done)))
    late = [
        tell
        for tell in told
        if any((one.block_number or 0) > tell.last for one in transfers(tell.records))
    ]
    assert [tell.accounts for tell in late] == [(str(people.at_bob),)]


async def test_a_node_that_has_forgotten_is_passed_over(source_of: Sources, people: People) -> None:
    node = lived(people, times=1)
    pruned = IndexedNode(node.blocks, final=node.final, oldest=16)
    whole = await history(source_of(node), people)

    assert await history(source_of(pruned, node), people) == whole
    with pytest.raises(UpstreamUnavailable, match="keeps nothing of before slot 16"):
        await history(source_of(pruned), people)
    # What came since can be had of it.
    source = source_of(pruned)
    reader = SolanaHistory(source)
    bob = account_id(SOLANA, str(people.b))
    newest = [one async for one in reader.told(bob, 16, node.final)]
    assert sum(len(one.records) for one in newest) > 0


async def test_nodes_that_lag_or_contradict_themselves_are_not_believed(
    source_of: Sources, people: People
) -> None:
    node = lived(people, times=1)
    theirs = [
        (slot, one)
        for slot, block in node.blocks.items()
        for one in block
        if names_bob(people, one)
    ]
    whole = await history(source_of(node), people)
    lagging = IndexedNode(node.blocks, final=13)
    shifted = IndexedNode(node.blocks, final=node.final, moved={theirs[2][1].signature: 12})
    losing = IndexedNode(node.blocks, final=node.final, lost={theirs[0][1].signature})

    for liar in (shifted, losing):
        assert await history(source_of(liar, node), people) == whole
    reader = SolanaHistory(source_of(lagging, node))
    bob = account_id(SOLANA, str(people.b))
    told = [one async for one in reader.told(bob, 0, node.final)]
    assert sum(len(one.records) for one in told) == sum(len(one.records) for one in whole)
    with pytest.raises(UpstreamUnavailable):
        await history(source_of(losing), people)
