"""JSON over plain HTTP: one GET, one typed decoding."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

import httpx
import msgspec

from ingest.providers.faults import Garbled, Overloaded, Refused, Unreachable, Unsupported

T = TypeVar("T")

_LONGEST_WAIT_S: Final = 86_400.0


async def get(
    client: httpx.AsyncClient,
    url: str,
    of: type[T],
    *,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    timeout_s: float,
) -> T:
    """What ``url`` answers. Raises: EndpointFault."""
    try:
        response = await client.get(url, params=params, headers=headers, timeout=timeout_s)
    except httpx.TimeoutException as error:
        raise Unreachable(f"It gave no answer in {timeout_s:g} s.") from error
    except httpx.HTTPError as error:
        raise Unreachable(f"It cannot be reached ({type(error).__name__}).") from error
    _check(response)
    shape: Any = of
    try:
        answer: T = _decoder(shape).decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Garbled(f"Its answer is not what was asked for: {error}.") from error
    return answer


def _check(response: httpx.Response) -> None:
    match response.status_code:
        case 200:
            return
        case 429:
            raise Overloaded(
                "It limits requests (HTTP 429).",
                retry_after_s=_seconds(response.headers.get("retry-after", "")),
            )
        case 401 | 402 | 403:
            raise Refused(f"It refuses us (HTTP {response.status_code}).")
        case 404:
            raise Unsupported("It does not know what was asked for (HTTP 404).")
        case status if status >= 500:
            wait_s = _seconds(response.headers.get("retry-after", ""))
            if wait_s is not None:
                raise Overloaded(f"It is busy (HTTP {status}).", retry_after_s=wait_s)
            raise Unreachable(f"It fails (HTTP {status}).")
        case status:
            raise Garbled(f"It answers HTTP {status}.")


def _seconds(text: str) -> float | None:
    return min(float(text), _LONGEST_WAIT_S) if text.isdecimal() and len(text) < 9 else None


@lru_cache(maxsize=64)
def _decoder(of: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(of)
