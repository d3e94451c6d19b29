"""One POST to a place that a user named, without a way into networks that are not public.

Its name is resolved once, every address that comes of it is checked, and the connection goes to an
address that was checked: what the name stands for a moment later does not matter. Certificate and
``Host`` are those of the name. Redirects are not followed, proxies and cookies not used, and the
status alone decides, so that no answer is waited for or read beyond a bound.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import msgspec

from graph_api.domain.errors import GraphApiError
from graph_api.domain.notices import Outcome, Verdict
from graph_api.domain.targets import Reach, Target, TargetRefused, require_address, target_of

#: From a host's name and a port to the addresses that it stands for.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

#: So many addresses of a host are tried.
_MOST_ADDRESSES: Final = 4
_MAX_SHOWN: Final = 500


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a POST may take, in seconds: to connect, between two signs of life, as a whole; and
    how much of the answer is read, for how long, once its status is known.
    """

    connect_s: float = 5.0
    silence_s: float = 15.0
    whole_s: float = 20.0
    answer_bytes: int = 4_096
    answer_s: float = 2.0


async def resolved(host: str, port: int) -> list[str]:
    """What the machine's own resolver says. Raises: OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Poster:
    """Posts within ``limits`` to what ``reach`` admits."""

    def __init__(
        self,
        reach: Reach,
        *,
        clock: Callable[[], datetime],
        resolve: Resolve = resolved,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._reach, self._clock, self._resolve = reach, clock, resolve
        self._limits = limits or Limits()
        self._tls = tls or httpx.create_ssl_context()

    @property
    def whole_s(self) -> float:
        """No POST takes longer."""
        return self._limits.whole_s + self._limits.answer_s

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """What becomes of ``body``, sent as JSON to ``url``; what goes wrong is told, not raised"""
        began = asyncio.get_running_loop().time()
        try:
            outcome = await self._posted(url, body, headers)
        except TimeoutError:
            outcome = _failed(f"It gave no answer in {self._limits.whole_s:g} s.")
        except GraphApiError as error:
            outcome = _failed(str(error))
        took_ms = round((asyncio.get_running_loop().time() - began) * 1000)
        return msgspec.structs.replace(outcome, took_ms=took_ms)

    async def _posted(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        target = target_of(url, self._reach)
        # No connection is kept: two names may share an address, and not a certificate.
        pool = httpx.Limits(max_keepalive_connections=0)
        times = httpx.Timeout(self._limits.silence_s, connect=self._limits.connect_s)
        async with httpx.AsyncClient(
            verify=self._tls, limits=pool, timeout=times, trust_env=False, follow_redirects=False
        ) as client:
            # Closing takes no part in the time: it waits for nobody.
            async with asyncio.timeout(self._limits.whole_s):
                response = await self._answer(client, target, body, headers)
            try:
                return self._judged(response, await self._beginning(response))
            finally:
                await response.aclose()

    async def _answer(
        self, client: httpx.AsyncClient, target: Target, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        fault: GraphApiError = TargetRefused(f"{target.host} stands for no address.")
        for address in (await self._addresses(target))[:_MOST_ADDRESSES]:
            request = client.build_request(
                "POST",
                httpx.URL(target.url).copy_with(host=address),
                content=body,
                headers={
                    "Accept-Encoding": "identity",
                    "Content-Type": "application/json",
                    "User-Agent": "deskgraph",
                    **headers,
                    "Host": target.authority,
                },
                extensions={"sni_hostname": target.host},
            )
            try:
                return await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                fault = _Unreached(f"It cannot be reached: {_cause(error)}.")
            except httpx.TimeoutException as error:
                raise _Unreached(f"It was silent for {self._limits.silence_s:g} s.") from error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _Unreached(f"It broke the connection off ({_cause(error)}).") from error
        raise fault

    async def _addresses(self, target: Target) -> Sequence[str]:
        """What a target stands for; one address that is refused refuses all of them."""
        try:
            found = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise _Unreached(f"The name {target.host} cannot be resolved.") from error
        for address in found:
            require_address(target, address, self._reach)
        return found

    async def _beginning(self, response: httpx.Response) -> str | None:
        """The beginning of the answer, as far as it comes soon."""
        read = bytearray()
        with suppress(TimeoutError, httpx.HTTPError, httpx.StreamError):
            async with asyncio.timeout(self._limits.answer_s):
                async for piece in response.aiter_raw():
                    read += piece
                    if len(read) >= self._limits.answer_bytes:
                        break
        return shown(bytes(read[: self._limits.answer_bytes]).decode(errors="replace"))

    def _judged(self, response: httpx.Response, answer: str | None) -> Outcome:
        status = response.status_code
        if 200 <= status < 300:
            return Outcome(verdict=Verdict.DELIVERED, status=status, answer=answer)
        return Outcome(
            verdict=Verdict.GONE if status == 410 else Verdict.AGAIN,
            status=status,
            answer=answer,
            reason=_reason(status),
            wait_s=_wait_s(response.headers.get("retry-after", ""), self._clock()),
        )


def shown(text: str) -> str | None:
    """What somebody said, as one line that a terminal may show; None when that was nothing."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(line.split())[:_MAX_SHOWN] or None


class _Unreached(GraphApiError):
    pass


def _failed(reason: str) -> Outcome:
    return Outcome(verdict=Verdict.AGAIN, reason=reason)


def _cause(error: Exception) -> str:
    return shown(str(error)) or type(error).__name__


def _reason(status: int) -> str:
    if 300 <= status < 400:
        return f"It redirects (HTTP {status}), which is not followed."
    if status == 410:
        return "It wants no more notices (HTTP 410)."
    if status == 429:
        return "It wants fewer notices (HTTP 429)."
    return f"It answers HTTP {status}."


def _wait_s(text: str, now: datetime) -> float | None:
    """What ``Retry-After`` asks for: seconds, or a date."""
    if text.isascii() and text.isdecimal() and len(text) < 9:
        return float(text)
    try:
        asked = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return max(0.0, (asked - now).total_seconds()) if asked.tzinfo else None
