"""Subscriptions as clients of a real server see them: each event once, in order, and resumed."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from graph_api.domain.events import Lane, Line, Topic
from tests.given import wallet
from tests.live.given import HOLDER
from tests.server.live.serving import (
    Bus,
    Client,
    Served,
    event,
    number_of,
    serving,
    until_subscribed,
)

OTHER = "eip155:10"


async def listening(served: Served, client: Client, count: int = 1, **variables: Any) -> None:
    """Subscribe, and be sure to hear what comes from now on."""
    await client.subscribe(id=str(count), **variables)
    await until_subscribed(served, count)


async def test_a_transfer_is_told_as_it_is_seen_and_when_it_is_taken_back(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        await listening(served, client)
        await bus.tell(event(1), event(2, Topic.TRANSFER_RETRACTED))

        items = [await client.item() for _ in range(2)]

    assert [one["kind"] for one in items] == ["TransferSeen", "TransferRetracted"]
    assert items[0]["transfer"]["transferId"] == event(1).body["id"]


async def test_what_is_final_has_a_sequence_of_its_own(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        await listening(served, client, delivery="FINALIZED")
        await bus.tell(event(1))
        await bus.tell(event(1, Topic.TRANSFER_FINALIZED))

        assert (await client.item())["kind"] == "TransferFinalized"


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"wallets": [wallet("carol")]}, [2, 3]),
        ({"wallets": [wallet("carol")], "tokens": ["eip155:1/slip44:60"]}, [2]),
        ({"tokens": ["eip155:1/erc20:0x" + "a" * 40]}, [3]),
        ({"minAmountRaw": "5000"}, [4]),
        ({"minAmount": "2.5"}, [5]),
        ({"chains": ["ethereum"], "minAmount": "2.5"}, [5]),
        ({"chains": ["polygon"]}, []),
        ({"wallets": []}, []),
    ],
)
async def test_a_filter_lets_through_what_meets_all_of_it(
    bus: Bus, wish: dict[str, Any], told: list[int]
) -> None:
    async with serving(bus) as served, served.client() as client:
        await listening(served, client, filter=wish)
        await listening(served, client, 2)
        await bus.tell(
            event(1),
            event(2, sender=wallet("carol")),
            event(3, recipient=wallet("carol"), token="eip155:1/erc20:0x" + "a" * 40),
            event(4, amount_raw="5000"),
            event(5, amount=2.5),
            event(6, amount=None, amount_raw=None),
        )
        heard: dict[str, list[int]] = {"1": [], "2": []}
        while 6 not in heard["2"] or len(heard["1"]) < len(told):
            message = await client.receive()
            item = message["payload"]["data"]["transfers"]
            heard[message["id"]].append(number_of(item))

    assert heard == {"1": told, "2": [1, 2, 3, 4, 5, 6]}


async def test_those_who_want_and_select_the_same_share_one_channel(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as one, served.client() as other:
        await listening(served, one, filter={"wallets": [wallet("alice"), wallet("bob")]})
        await listening(served, other, 2, filter={"wallets": [wallet("bob"), wallet("alice")]})
        assert served.channels.distinct == 1
        await bus.tell(event(1))

        assert await one.numbers(1) == await other.numbers(1, id="2") == [1]


async def test_who_comes_back_hears_what_it_missed_and_nothing_twice(bus: Bus) -> None:
    async with serving(bus) as served:
        async with served.client() as client:
            await listening(served, client)
            await bus.tell(event(1), event(2))
            await client.item()
            cursor = (await client.item())["cursor"]
        await bus.tell(*map(event, range(3, 8)))
        await bus.tell(event(1, chain=OTHER))
        async with served.client() as client:
            await listening(served, client, after=cursor)
            missed = await client.numbers(6)
            await bus.tell(event(8))

            assert (sorted(missed), await client.numbers(1)) == ([1, 3, 4, 5, 6, 7], [8])
    assert served.channels.tally.resumes == {"memory": 1}


async def test_a_cursor_of_another_process_goes_on_here(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        await listening(served, client)
        await bus.tell(*map(event, range(1, 3_001)))
        items = [await client.item() for _ in range(3_000)]
    async with serving(bus) as served, served.client() as client:
        await listening(served, client, after=items[9]["cursor"])
        heard = await client.numbers(2_990)
        await bus.tell(event(3_001))

        assert [*heard, *await client.numbers(1)] == [*range(11, 3_002)]
    assert served.channels.tally.resumes == {"bus": 1}


async def test_a_cursor_from_ahead_of_this_process_hears_nothing_twice(bus: Bus) -> None:
    async with serving(bus) as ahead, serving(bus) as served:
        async with ahead.client() as client:
            await listening(ahead, client)
            await bus.tell(event(1), event(2))
            await client.item()
            cursor = (await client.item())["cursor"]
        # Behind as a process is that has just begun to read.
        async with served.client() as client:
            await listening(served, client, after=cursor)
            await bus.tell(event(3))
            assert await client.numbers(1) == [3]


async def test_what_the_bus_forgot_comes_from_what_is_kept(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        await listening(served, client)
        await bus.tell(*map(event, range(1, 6)))
        cursor = (await client.item())["cursor"]
    async with bus.streams.bus.speaking() as redis:
        await redis.xtrim(
            bus.streams.key(Lane(Line.TRANSFERS, "eip155:1")), minid="5-0", approximate=False
        )
    async with serving(bus) as served, served.client() as client:
        await listening(served, client, after=cursor)
        assert await client.numbers(4) == [2, 3, 4, 5]


async def test_a_cursor_whose_sequel_is_kept_nowhere_is_too_old(bus: Bus) -> None:
    async with serving(bus) as served, served.client() as client:
        await listening(served, client)
        await bus.tell(*map(event, range(1, 6)))
        cursor = (await client.item())["cursor"]
    bus.kept._events.clear()
    async with bus.streams.bus.speaking() as redis:
        await redis.xtrim(
            bus.streams.key(Lane(Line.TRANSFERS, "eip155:1")), minid="5-0", approximate=False
        )
    async with serving(bus) as served, served.client() as client:
        await client.subscribe(after=cursor)
        message = await client.receive()

    assert (message["type"], message["id"]) == ("error", "1")
    assert message["payload"][0]["extensions"]["code"] == "CURSOR_TOO_OLD"
    assert "start again without a cursor" in message["payload"][0]["message"]


async def test_a_new_epoch_ends_who_listens(bus: Bus) -> None:
    lane = Lane(Line.TRANSFERS, "eip155:1")
    async with serving(bus) as served, served.client() as client:
        await listening(served, client)
        await bus.tell(event(1))
        cursor = (await client.item())["cursor"]
        await bus.streams.drop(lane, holder=HOLDER)
        bus.epoch = bus.kept.epoch = "second"
        bus.kept._events.clear()
        await bus.tell(event(1))
        told = await client.receive()
        await client.subscribe(id="again", after=cursor)
        again = await client.receive()

    for message in (told, again):
        assert message["type"] == "error", message
        assert message["payload"][0]["extensions"]["code"] == "CURSOR_TOO_OLD"


@pytest.mark.parametrize("cursor", ["nonsense", "x" * 20_000])
async def test_what_is_no_cursor_is_said_to_be_none(bus: Bus, cursor: str) -> None:
    async with serving(bus) as served, served.client() as client:
        await client.subscribe(after=cursor)
        message = await client.receive()

    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_INPUT")


async def test_a_client_that_takes_nothing_is_parted_from_and_can_resume(bus: Bus) -> None:
    async with serving(bus, queue_messages=50) as served:
        async with served.client(max_queue=1) as lazy, served.client() as keen:
            await listening(served, lazy)
            await listening(served, keen, 2)
            heard, number = list[int](), 0
            async with asyncio.timeout(60):
                while not served.channels.tally.drops["slow"]:
                    some = [event(number + more, padding="x") for more in range(1, 201)]
                    await bus.tell(*some)
                    number += 200
                    heard += await keen.numbers(200, id="2")
            taken, cursor = 0, ""
            with suppress(ConnectionClosed):
                while True:
                    item = await lazy.item()
                    taken, cursor = number_of(item), item["cursor"]
            code = await lazy.closing()
        async with served.client() as lazy:
            await listening(served, lazy, after=cursor)
            rest = await lazy.numbers(number - taken)

    assert heard == [*range(1, number + 1)]
    assert code == (1013, "Events come faster than they are taken; resume after the last cursor.")
    assert rest == [*range(taken + 1, number + 1)]
