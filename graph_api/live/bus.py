"""The bus door: a connection to Redis or Valkey, what it is and whether it keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)
from redis.maint_notifications import MaintNotificationsConfig

from graph_api.domain.errors import BadInput, ErrorCode, GraphApiError, UpstreamUnavailable

RETRY_AFTER_S = 5.0


class BusFull(GraphApiError):
    """The bus takes nothing in before somebody makes room; what it holds can be read."""

    code = ErrorCode.UPSTREAM_UNAVAILABLE


@dataclass(frozen=True)
class BusFacts:
    """What a bus says of itself; None where a managed service keeps it to itself."""

    server: str
    version: str
    append_only: bool
    fsync: str | None
    snapshots: str | None
    eviction: str | None
    used_bytes: int
    ceiling_bytes: int

    @property
    def keeps_every_write(self) -> bool:
        """Whether an acknowledged write survives a crash at any moment."""
        return self.append_only and self.fsync == "always"


class Bus:
    """One bus. Safe to share between tasks; close it at the end."""

    def __init__(self, client: Redis, place: str, *, timeout_s: float = 5.0) -> None:
        self._client = client
        self.place, self.timeout_s = place, timeout_s

    @classmethod
    async def connect(cls, url: str, *, timeout_s: float = 5.0) -> Self:
        """Connect to ``redis://``, ``rediss://`` or ``unix://`` and see that it answers.

        Raises: BadInput for a URL that cannot be one or a refused login; UpstreamUnavailable.
        """
        try:
            place = place_of(url)
            client = Redis.from_url(
                url,
                decode_responses=True,
                socket_connect_timeout=timeout_s,
                socket_timeout=timeout_s,
                # With them on, a connection that the server has closed is not found out.
                maint_notifications_config=MaintNotificationsConfig(enabled=False),
            )
        except ValueError as error:
            raise BadInput(
                "DESKGRAPH_REDIS__URL must begin with redis://, rediss:// or unix://."
            ) from error
        bus = cls(client, place, timeout_s=timeout_s)
        try:
            await bus.ping()
        except BaseException:
            await bus.close()
            raise
        return bus

    async def ping(self) -> None:
        """One round trip.

        Raises: UpstreamUnavailable, BadInput when the login is refused.
        """
        async with self.speaking() as client:
            await client.ping()

    async def facts(self) -> BusFacts:
        """Version, persistence and memory."""
        async with self.speaking() as client:
            info: Mapping[str, Any] = await client.info()
        settings = await self._settings("appendfsync", "save", "maxmemory-policy")
        return BusFacts(
            server=str(info.get("server_name", "redis")),
            version=str(info.get("valkey_version") or info["redis_version"]),
            append_only=bool(info["aof_enabled"]),
            fsync=settings.get("appendfsync"),
            snapshots=settings.get("save"),
            eviction=settings.get("maxmemory-policy"),
            used_bytes=int(info["used_memory"]),
            ceiling_bytes=int(info.get("maxmemory", 0)),
        )

    async def close(self) -> None:
        """Give all connections back."""
        await self._client.aclose()

    @asynccontextmanager
    async def speaking(self) -> AsyncIterator[Redis]:
        """The client; inside the block the library's errors become ours.

        Raises: UpstreamUnavailable, BadInput when the login is refused, BusFull.
        """
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        try:
            yield self._client
        except (AuthenticationError, NoPermissionError) as error:
            raise BadInput(
                f"The bus at {self.place} refuses the login; check DESKGRAPH_REDIS__URL."
            ) from error
        except OutOfMemoryError as error:
            raise BusFull(
                f"The bus at {self.place} is full: raise its maxmemory, or keep fewer events."
            ) from error
        except (RedisError, OSError, TimeoutError) as error:
            if str(error).startswith("MISCONF"):
                raise BusFull(f"The bus at {self.place} cannot write to its disk.") from error
            raise UpstreamUnavailable(
                f"The bus at {self.place}", retry_after_s=RETRY_AFTER_S
            ) from error
        finally:
            # The library waits by Python 3.11's wait_for, which swallows a cancellation that comes
            # as its wait ends.
            if task and task.cancelling() > cancelled:
                raise asyncio.CancelledError

    async def _settings(self, *names: str) -> Mapping[str, str]:
        """Managed services and careful administrators forbid CONFIG; that is no error."""
        async with self.speaking() as client:
            try:
                found = await client.config_get(*names)
            except ResponseError:
                return {}
        return {str(name): str(value) for name, value in found.items()}


def place_of(url: str) -> str:
    """Where a URL points, without the login that it may carry."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2] + parts.path
    return f"{parts.scheme}://{place}"
