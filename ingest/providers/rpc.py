"""Batches of JSON-RPC over HTTP: one request, one typed decoding."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeVar

import httpx
import msgspec

from ingest.providers.faults import Garbled, Overloaded, Refused, Unreachable

T = TypeVar("T")

#: Error codes that say “not so fast”, and words of those who use others.
_LIMIT_CODES: Final = (429, -32005, -32097, -32029)
_LIMIT_WORDS: Final = (
    "rate limit",
    "too many requests",
    "compute units",
    "capacity exceeded",
    "request count exceeded",
    "throttl",
)
_RANGE_WORDS: Final = ("range", "results", "logs", "blocks", "size")


class Call(NamedTuple):
    """One call of a batch."""

    method: str
    params: Sequence[Any] = ()


class RpcError(msgspec.Struct, frozen=True):
    """What a node answers instead of a result."""

    code: int
    message: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def speaks_of_rate(self) -> bool:
        """Whether its words are about too many requests; codes alone are not clear."""
        words = self.message.lower()
        return any(told in words for told in _LIMIT_WORDS)

    @property
    def limits_rate(self) -> bool:
        """Whether it wants fewer requests, rather than smaller ones."""
        words = self.message.lower()
        by_code = self.code in _LIMIT_CODES and not any(told in words for told in _RANGE_WORDS)
        return by_code or self.speaks_of_rate

    @property
    def lacks_method(self) -> bool:
        """Whether the node does not offer the method at all."""
        words = self.message.lower()
        return self.code in (-32601, -32004) or any(
            told in words
            for told in (
                "method not found",
                "does not exist/is not available",
                "not supported",
                "unsupported method",
                "not whitelisted",
                "method not allowed",
                "is not available",
            )
        )


class Answer(msgspec.Struct, Generic[T]):
    """One answer of a batch."""

    id: int | str | None = None
    result: T | None = None
    error: RpcError | None = None


class BatchTooLarge(Exception):
    """The node wants fewer calls in a batch, or has no batches at all."""


class Rpc:
    """A node's address, and how to ask there. The client is shared and not closed here."""

    def __init__(self, client: httpx.AsyncClient, url: str, *, timeout_s: float) -> None:
        self._client, self._url, self._timeout_s = client, url, timeout_s

    async def batch(self, calls: Sequence[Call], of: type[T]) -> list[T | RpcError | None]:
        """What each of ``calls`` gives, in their order.

        Raises: EndpointFault, BatchTooLarge.
        """
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.params}
            for number, call in enumerate(calls)
        ]
        # A single call goes without the list around it: some nodes know no batches.
        body = await self._post(_ENCODER.encode(requests if len(calls) > 1 else requests[0]))
        shape: Any = of
        if body.lstrip()[:1] != b"{":
            return _in_order(_decoded(_batch_decoder(shape), body), len(calls))
        if len(calls) > 1:
            raise _refusal(_decoded(_REFUSAL, body).error)
        return _in_order([_decoded(_decoder(shape), body)], 1)

    async def _post(self, content: bytes) -> bytes:
        try:
            response = await self._client.post(
                self._url, content=content, headers=_HEADERS, timeout=self._timeout_s
            )
        except httpx.TimeoutException as error:
            raise Unreachable(f"It gave no answer in {self._timeout_s:g} s.") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"It cannot be reached ({type(error).__name__}).") from error
        if response.status_code != httpx.codes.OK:
            raise _of_status(response)
        return response.content


_ENCODER: Final = msgspec.json.Encoder()
_HEADERS: Final = {"content-type": "application/json"}
_REFUSAL: Final = msgspec.json.Decoder(Answer[None])


@lru_cache(maxsize=64)
def _decoder(of: Any) -> msgspec.json.Decoder[Answer[Any]]:
    return msgspec.json.Decoder(Answer[of])


@lru_cache(maxsize=64)
def _batch_decoder(of: Any) -> msgspec.json.Decoder[list[Answer[Any]]]:
    return msgspec.json.Decoder(list[Answer[of]])


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Garbled(f"Its answer is not what the protocol says: {error}.") from error


def _in_order(answers: list[Answer[T]], count: int) -> list[T | RpcError | None]:
    """Nodes may answer a batch in any order, and each call once."""
    if all(answer.id == number for number, answer in enumerate(answers)) and len(answers) == count:
        return [answer.error or answer.result for answer in answers]
    by_id = {answer.id: answer for answer in answers}
    if set(by_id) != set(range(count)) or len(answers) != count:
        raise Garbled(f"Of {count} calls it answered {len(answers)}, or others than were asked.")
    return [by_id[number].error or by_id[number].result for number in range(count)]


def _refusal(error: RpcError | None) -> Exception:
    """Why a batch as a whole was refused."""
    if error is None:
        return Garbled("It answered a batch with one object.")
    if error.limits_rate:
        return Overloaded(f"It limits requests: {error.message[:200]}")
    return BatchTooLarge(error.message)


def _of_status(response: httpx.Response) -> Exception:
    status = response.status_code
    match status:
        case 413:
            return BatchTooLarge("HTTP 413")
        case 429 | 503:
            return Overloaded(
                f"It limits requests (HTTP {status}).",
                retry_after_s=_seconds(response.headers.get("retry-after", "")),
            )
        case 401 | 402 | 403:
            return Refused(f"It refuses us (HTTP {status}).")
        case _ if status >= 500:
            return Unreachable(f"It fails (HTTP {status}).")
        case _:
            return Garbled(f"It answers HTTP {status} to JSON-RPC.")


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() and len(text) < 6 else None
