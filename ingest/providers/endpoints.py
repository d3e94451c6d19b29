"""A pool of endpoints that serve the same thing: who is asked, who rests, who is left out."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from graph_api.domain.errors import BadInput
from ingest.providers import http
from ingest.providers.faults import Behind, EndpointFault, NoEndpoint, Unsupported
from ingest.providers.health import EndpointStatus, Health
from ingest.providers.limits import Clock, Rate, Sleep, Window
from ingest.providers.rpc import BatchTooLarge, Call, Rpc, RpcError

T = TypeVar("T")
U = TypeVar("U")

#: How often all endpoints are gone through before a caller hears that none can be used.
_ROUNDS: Final = 4
#: A caller waits no longer than this for an endpoint that rests.
_PATIENCE_S: Final = 8.0


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint as its user writes it down.

    ``tier`` 0 is asked first, the others when none of a lower tier can be used. ``websocket`` is
    where it tells new heads; None for by polling only. ``requests_per_s`` counts calls, also those
    of a batch, as providers do; None for no limit.
    """

    url: str
    websocket: str | None = None
    name: str | None = None
    tier: int = 0
    requests_per_s: float | None = None
    in_flight: int = 4
    batch: int = 100
    timeout_s: float = 30.0

    @property
    def shown(self) -> str:
        """The name, or the host: paths and queries of addresses hold keys."""
        return self.name or urlsplit(self.url).netloc.rpartition("@")[2]


class Endpoint:
    """One endpoint: it keeps to its limits, whoever asks."""

    def __init__(self, settings: EndpointSettings, pool: "Endpoints", *, name: str) -> None:
        self.settings, self.name = settings, name
        self.health = Health(self.name, random=pool.random)
        #: What the callers know of it: probed methods and the like, by a name of theirs.
        self.learnt: dict[str, Any] = {}
        #: How many calls it was sent, also those of a batch: what providers count.
        self.sent = 0
        self.slots = asyncio.Semaphore(settings.in_flight)
        self._client = pool.client
        self._rpc = Rpc(pool.client, settings.url, timeout_s=settings.timeout_s)
        self._batch = Window(settings.batch, largest=settings.batch)
        self._rate = (
            Rate(
                settings.requests_per_s,
                burst=max(settings.requests_per_s, 1.0),
                clock=pool.clock,
                sleep=pool.sleep,
            )
            if settings.requests_per_s
            else None
        )

    async def batch(self, calls: Sequence[Call], of: type[T]) -> list[T | RpcError | None]:
        """What each of ``calls`` gives, in as many batches as the endpoint wants.

        Raises: EndpointFault.
        """
        answers: list[T | RpcError | None] = []
        while len(answers) < len(calls):
            part = calls[len(answers) : len(answers) + self._batch.size]
            if self._rate is not None:
                await self._rate.take(len(part))
            self.sent += len(part)
            try:
                answers += await self._rpc.batch(part, of)
            except BatchTooLarge as refusal:
                if not self._batch.shrink():
                    raise Unsupported("A single call is too large for it.") from refusal
                continue
            if len(part) == self._batch.size:
                self._batch.grow()
        return answers

    async def get(
        self, path: str, of: type[T], *, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> T:
        """What it has at ``path`` below its address. Raises: EndpointFault."""
        if self._rate is not None:
            await self._rate.take(1)
        url = self.settings.url.rstrip("/") + path
        return await http.get(
            self._client,
            url,
            of,
            params=params,
            headers=headers,
            timeout_s=self.settings.timeout_s,
        )

    async def one(self, method: str, params: Sequence[Any], of: type[T]) -> T | None:
        """What one call gives. Raises: EndpointFault, Unsupported where it answers an error."""
        (answer,) = await self.batch([Call(method, params)], of)
        if isinstance(answer, RpcError):
            raise Unsupported(f"It answers {method} with an error: {answer.message[:200]}")
        return answer


class Endpoints:
    """The endpoints of one chain, or of one provider."""

    def __init__(
        self,
        provider: str,
        settings: Sequence[EndpointSettings],
        *,
        client: httpx.AsyncClient,
        clock: Clock,
        sleep: Sleep,
        random: random.Random,
    ) -> None:
        if not settings:
            raise BadInput(f"{provider} has no endpoint; name at least one.")
        self.provider, self.client = provider, client
        self.clock, self.sleep, self.random = clock, sleep, random
        names = _distinct([one.shown for one in settings])
        self.all = tuple(
            Endpoint(one, self, name=name) for one, name in zip(settings, names, strict=True)
        )

    @classmethod
    def open(cls, provider: str, settings: Sequence[EndpointSettings]) -> Self:
        """A pool with a client, a clock and randomness of its own. Raises: BadInput."""
        # Keep what was learnt of connections: a batch every few milliseconds wants no handshake.
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        return cls(
            provider,
            settings,
            client=httpx.AsyncClient(limits=limits, follow_redirects=False),
            clock=asyncio.get_running_loop().time,
            sleep=asyncio.sleep,
            random=random.Random(),  # noqa: S311 - jitter, no secret
        )

    async def ask(self, work: Callable[[Endpoint], Awaitable[T]], *, rounds: int = _ROUNDS) -> T:
        """What ``work`` gives with the best endpoint that can do it; the next one is tried where
        it raises an EndpointFault. It waits while all are busy: that is the back-pressure.

        Raises: NoEndpoint; Behind where that is all that is wrong with those that can be asked.
        """
        faults: dict[str, EndpointFault] = {}
        for turn in range(rounds):
            tried: set[str] = set()
            while endpoint := self._best(tried):
                tried.add(endpoint.name)
                try:
                    return await self.ask_one(endpoint, work)
                except EndpointFault as fault:
                    faults[endpoint.name] = fault
            if tried and all(isinstance(faults[name], Behind) for name in tried):
                raise faults[next(iter(tried))]
            if tried and all(faults[name].pause_s is None for name in tried):
                break
            rests = min(endpoint.health.free_in_s(self.clock()) for endpoint in self.all)
            if turn == rounds - 1 or rests > _PATIENCE_S:
                break
            await self.sleep(rests)
        raise self.nobody(faults)

    async def ask_one(self, endpoint: Endpoint, work: Callable[[Endpoint], Awaitable[T]]) -> T:
        """What ``work`` gives with this endpoint; its health hears of it. Raises: EndpointFault."""
        async with endpoint.slots:
            began = self.clock()
            try:
                answer = await work(endpoint)
            except EndpointFault as fault:
                endpoint.health.failed(fault, now=self.clock())
                raise
        endpoint.health.succeeded(took_s=self.clock() - began)
        return answer

    async def ask_these(
        self, endpoints: Sequence[Endpoint], work: Callable[[Endpoint], Awaitable[T]]
    ) -> list[T]:
        """What ``work`` gives with each of ``endpoints``, of those that answer."""
        answers = await asyncio.gather(
            *(self.ask_one(endpoint, work) for endpoint in endpoints), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, EndpointFault):
                raise answer
        return [answer for answer in answers if not isinstance(answer, BaseException)]

    def usable(self) -> list[Endpoint]:
        """Those that do not rest, best first."""
        now = self.clock()
        free = [endpoint for endpoint in self.all if not endpoint.health.free_in_s(now)]
        return sorted(free, key=lambda one: one.settings.tier)

    def known_head(self) -> int | None:
        """The highest block that any endpoint has told of, also one that rests."""
        return max(
            (one.health.head for one in self.all if one.health.head is not None), default=None
        )

    def report(self, endpoint: Endpoint, fault: EndpointFault) -> None:
        """``endpoint`` did what ``fault`` says, as was found out later."""
        endpoint.health.failed(fault, now=self.clock())

    def status(self) -> list[EndpointStatus]:
        """How each of them does."""
        return [endpoint.health.status(self.clock()) for endpoint in self.all]

    def nobody(self, faults: dict[str, EndpointFault] | None = None) -> NoEndpoint:
        """The error that none can be used."""
        now = self.clock()
        last = {one.name: one.health.last for one in self.all if one.health.free_in_s(now)}
        named = {name: fault for name, fault in last.items() if fault} | (faults or {})
        rests = min(endpoint.health.free_in_s(now) for endpoint in self.all)
        return NoEndpoint(self.provider, retry_after_s=round(max(rests, 1.0)), faults=named)

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.aclose()

    def _best(self, tried: set[str]) -> Endpoint | None:
        left = [endpoint for endpoint in self.usable() if endpoint.name not in tried]
        if not left:
            return None
        tier = left[0].settings.tier
        # Callers stay with one endpoint while it has room, for endpoints differ near the head.
        same = [endpoint for endpoint in left if endpoint.settings.tier == tier]
        return next((one for one in same if not one.slots.locked()), same[0])


def _distinct(names: Sequence[str]) -> list[str]:
    """Several keys of one host are told apart by their number."""
    return [
        f"{name}#{names[:index].count(name) + 1}" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]
