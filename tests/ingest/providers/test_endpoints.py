"""A pool of endpoints: who is asked, how often, and how much at a time."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph_api.domain.errors import BadInput
from ingest.providers.endpoints import Endpoint, Endpoints, EndpointSettings
from ingest.providers.faults import (
    FAULTS,
    Behind,
    EndpointFault,
    Garbled,
    Lie,
    NoEndpoint,
    Overloaded,
    Refused,
    Unreachable,
    Unsupported,
    WrongChain,
)
from ingest.providers.limits import Rate
from ingest.providers.rpc import Call, RpcError
from tests.ingest.providers.serving import Node, Refusal, served

DOCUMENT = Path(__file__).parents[3] / "docs" / "following.md"


class Time:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


async def echo(method: str, params: Sequence[Any]) -> Any:
    if method == "fail":
        raise Refusal(-32000, "no")
    return [method, *params]


@asynccontextmanager
async def pool_of(
    *settings: EndpointSettings, time: Time | None = None, seed: int = 1
) -> AsyncIterator[Endpoints]:
    time = time or Time()
    async with httpx.AsyncClient() as client:
        yield Endpoints(
            "Ethereum",
            settings,
            client=client,
            clock=time,
            sleep=time.sleep,
            random=random.Random(seed),
        )


@asynccontextmanager
async def nodes(count: int) -> AsyncIterator[list[Node]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(served(echo)) for _ in range(count)]


def at(node: Node, **more: Any) -> EndpointSettings:
    return EndpointSettings(url=node.url, **more)


async def asked(endpoint: Endpoint) -> str:
    await endpoint.one("who", (), list[str])
    return endpoint.name


def name_of(node: Node) -> str:
    return node.url.split("/")[2]


async def test_answers_stand_in_the_order_of_the_calls() -> None:
    calls = [Call("a", (1,)), Call("fail"), Call("b")]
    async with nodes(1) as (node,), pool_of(at(node)) as pool:
        answers = await pool.ask(lambda endpoint: endpoint.batch(calls, list[Any]))

    assert answers == [["a", 1], RpcError(code=-32000, message="no"), ["b"]]
    assert node.batches == [3]


async def test_the_next_endpoint_is_asked_and_the_first_rests() -> None:
    async with nodes(2) as (first, second), pool_of(at(first), at(second)) as pool:
        first.status = (500, {})
        assert await pool.ask(asked) == name_of(second)
        first.status = None
        assert await pool.ask(asked) == name_of(second)
        status = pool.status()

    assert [one.state for one in status] == ["resting", "healthy"]
    assert (status[0].fault, status[0].fault_text) == ("unreachable", "It fails (HTTP 500).")
    assert [one.answers for one in status] == [0, 2]


async def test_rests_double_with_jitter_and_end_with_a_good_answer() -> None:
    time = Time()
    async with nodes(1) as (node,), pool_of(at(node), time=time) as pool:
        node.status = (502, {})
        with pytest.raises(NoEndpoint):
            await pool.ask(asked)
        node.status = None
        time.now += 60
        assert await pool.ask(asked) == name_of(node)
        (endpoint,) = pool.all
        endpoint.health.failed(Unreachable("again"), now=time.now)
        fresh = endpoint.health.free_in_s(time.now)

    jitter = random.Random(1)
    wanted = [pause * jitter.uniform(1.0, 1.25) for pause in (1.0, 2.0, 4.0)]
    assert time.slept == pytest.approx(wanted)
    assert 1.0 <= fresh <= 1.25


async def test_an_endpoint_that_says_when_to_come_back_is_obeyed() -> None:
    time = Time()
    async with nodes(1) as (node,), pool_of(at(node), time=time) as pool:
        node.status = (429, {"retry-after": "30"})
        with pytest.raises(NoEndpoint) as caught:
            await pool.ask(asked)

    assert 30 <= caught.value.retry_after_s <= 38
    assert isinstance(caught.value.faults[name_of(node)], Overloaded)
    assert time.slept == []
    assert len(node.batches) == 1


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        ((401, {}), None, Refused),
        ((403, {}), None, Refused),
        ((404, {}), None, Garbled),
        ((301, {"location": "http://127.0.0.1:9/"}), None, Garbled),
        (None, b"<html>", Garbled),
        (None, b"", Garbled),
        (None, b'{"id":0}', Garbled),
        (None, b'[{"id":7,"result":[]},{"id":1,"result":[]}]', Garbled),
        (None, b'[{"id":0,"result":[]}]', Garbled),
        (None, b'[{"id":0,"result":[]},{"id":0,"result":[]}]', Garbled),
        (None, b'[{"id":0,"result":7},{"id":1,"result":[]}]', Garbled),
    ],
)
async def test_what_is_wrong_with_an_answer_is_named(
    status: tuple[int, dict[str, str]] | None, body: bytes | None, fault: type[Exception]
) -> None:
    async with nodes(1) as (node,), pool_of(at(node)) as pool:
        node.status, node.body = status, body
        with pytest.raises(fault):
            await pool.all[0].batch([Call("a"), Call("b")], list[str])


async def test_a_node_that_is_not_there_is_unreachable() -> None:
    gone = EndpointSettings(url="http://127.0.0.1:9/")
    async with pool_of(gone) as pool:
        with pytest.raises(Unreachable, match="cannot be reached"):
            await pool.all[0].one("a", (), str)


async def test_batches_shrink_until_the_node_takes_them() -> None:
    calls = [Call("a", (number,)) for number in range(40)]
    async with nodes(1) as (node,), pool_of(at(node, batch=32)) as pool:
        node.largest_batch = 5
        answers = await pool.ask(lambda endpoint: endpoint.batch(calls, list[Any]))

    assert answers == [["a", number] for number in range(40)]
    assert node.batches[:4] == [32, 16, 8, 4]
    assert len(node.calls) == 40


async def test_calls_of_a_batch_count_against_the_rate() -> None:
    time = Time()
    async with nodes(1) as (node,), pool_of(at(node, requests_per_s=10), time=time) as pool:
        (endpoint,) = pool.all
        for _ in range(4):
            await endpoint.batch([Call("a")] * 10, list[Any])

    assert sum(time.slept) == pytest.approx(3.0)


async def test_a_rate_lets_callers_through_in_their_order() -> None:
    time = Time()
    rate = Rate(2, burst=1, clock=time, sleep=time.sleep)
    order: list[int] = []

    async def take(number: int) -> None:
        await rate.take(1)
        order.append(number)

    await asyncio.gather(*map(take, range(6)))

    assert order == list(range(6))
    assert time.now == pytest.approx(1_002.5)


async def test_callers_wait_while_an_endpoint_has_its_hands_full() -> None:
    running = highest = 0

    async def work(_: Endpoint) -> None:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        await asyncio.sleep(0)
        running -= 1

    async with nodes(1) as (node,), pool_of(at(node, in_flight=3)) as pool:
        await asyncio.gather(*(pool.ask(work) for _ in range(20)))

    assert highest == 3


async def test_a_second_endpoint_helps_where_the_first_has_no_room() -> None:
    both_there = asyncio.Barrier(2)

    async def work(endpoint: Endpoint) -> str:
        await both_there.wait()
        return endpoint.name

    async with nodes(3) as (first, second, spare):
        settings = at(first, in_flight=1), at(second, in_flight=1), at(spare, tier=1)
        async with pool_of(*settings) as pool:
            names = await asyncio.gather(pool.ask(work), pool.ask(work))

    assert [*names] == [name_of(first), name_of(second)]


async def test_a_higher_tier_is_asked_only_when_the_lower_cannot_be() -> None:
    async with nodes(2) as (dear, cheap), pool_of(at(dear, tier=1), at(cheap)) as pool:
        assert await pool.ask(asked) == name_of(cheap)
        cheap.status = (500, {})
        assert await pool.ask(asked) == name_of(dear)


async def test_a_liar_is_left_alone_for_long() -> None:
    time = Time()

    async def lie(endpoint: Endpoint) -> None:
        raise WrongChain("It serves chain 5 and not Ethereum.")

    async with nodes(1) as (node,), pool_of(at(node), time=time) as pool:
        with pytest.raises(NoEndpoint, match="It serves chain 5") as caught:
            await pool.ask(lie)
        (status,) = pool.status()

    assert status.state == "quarantined"
    assert status.remedy == WrongChain.remedy
    assert caught.value.retry_after_s >= 300


async def test_what_an_endpoint_lacks_does_not_count_against_it() -> None:
    async def lacks(endpoint: Endpoint) -> str:
        raise Unsupported("It has no traces.")

    async def behind(endpoint: Endpoint) -> str:
        raise Behind("It has no block 9 yet.")

    async with nodes(1) as (node,), pool_of(at(node)) as pool:
        with pytest.raises(NoEndpoint, match="no traces"):
            await pool.ask(lacks)
        with pytest.raises(Behind):
            await pool.ask(behind)
        (status,) = pool.status()

    assert (status.state, status.faults) == ("healthy", 0)


async def test_names_tell_endpoints_apart_and_hide_their_keys() -> None:
    login = "user:secret-2"
    urls = [
        "https://node.example/v2/secret-1",
        f"https://{login}@node.example/",
        "https://b.example/?k=secret-3",
    ]
    async with pool_of(*(EndpointSettings(url=url) for url in urls)) as pool:
        assert [one.name for one in pool.all] == ["node.example#1", "node.example#2", "b.example"]
        assert "secret" not in repr(pool.status()) + str(pool.nobody())


async def test_a_pool_needs_an_endpoint() -> None:
    with pytest.raises(BadInput, match="Ethereum has no endpoint"):
        async with pool_of():
            pass


def test_every_fault_has_a_name_a_remedy_and_its_line_in_the_documents() -> None:
    def below(kind: type[EndpointFault]) -> set[type[EndpointFault]]:
        return {kind}.union(*(below(one) for one in kind.__subclasses__()))

    assert below(EndpointFault) - {EndpointFault, Lie} == set(FAULTS)
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    text = DOCUMENT.read_text()
    for fault in FAULTS:
        assert f"| `{fault.name}` |" in text
        assert fault.remedy.endswith(".")
