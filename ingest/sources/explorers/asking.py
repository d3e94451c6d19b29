"""Asks explorers that answer as Etherscan does: actions of modules, pages, errors inside 200s."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from ingest.providers.endpoints import Endpoint, Endpoints, EndpointSettings
from ingest.providers.faults import (
    EndpointFault,
    Garbled,
    Overloaded,
    Refused,
    Unreachable,
    Unsupported,
)

T = TypeVar("T")

#: Free plans allow this; who may ask more often is not slowed down by much.
_REQUESTS_PER_S: Final = 3.0
#: Of an account an explorer tells so many rows at most, whatever the page.
MOST_ROWS: Final = 10_000


class Answer(msgspec.Struct):
    """What every action answers; ``result`` is rows, or a sentence about what is wrong."""

    result: Any = None
    status: str = "1"
    message: str = ""


class Explorers:
    """Some explorers of one chain; the next is asked where one does not answer."""

    def __init__(self, endpoints: Endpoints, parameters: Sequence[dict[str, str]]) -> None:
        self._endpoints = endpoints
        names = (endpoint.name for endpoint in endpoints.all)
        self._parameters = dict(zip(names, parameters, strict=True))
        self.calls = 0

    @classmethod
    def open(cls, chain: Chain, addresses: str) -> "Explorers":
        """Those at ``addresses``, between spaces or commas: ``https://host/api?apikey=…``.

        What stands behind the question mark goes with every request. Raises: BadInput.
        """
        settings, parameters = [], []
        for text in addresses.replace(",", " ").split():
            parts = urlsplit(text)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise BadInput("An explorer's address begins with http:// or https://.")
            url = urlunsplit(parts._replace(query="", fragment=""))
            settings.append(EndpointSettings(url=url, requests_per_s=_REQUESTS_PER_S, in_flight=1))
            parameters.append(dict(parse_qsl(parts.query)))
            if parameters[-1].get("chainid", chain.id.partition(":")[2]) not in chain.id.split(":"):
                raise BadInput(f"The explorer's address names another chain than {chain.name}.")
        endpoints = Endpoints.open(f"{chain.name}'s explorers", settings)
        return cls(endpoints, parameters)

    @property
    def name(self) -> str:
        """The hosts, for people."""
        return ", ".join(endpoint.name for endpoint in self._endpoints.all)

    async def ask(self, work: Callable[["Asked"], Awaitable[T]]) -> T:
        """What ``work`` gives with the best explorer. Raises: UpstreamUnavailable."""

        async def with_one(endpoint: Endpoint) -> T:
            return await work(Asked(self, endpoint, self._parameters[endpoint.name]))

        return await self._endpoints.ask(with_one)

    async def close(self) -> None:
        """Give the connections back."""
        await self._endpoints.close()


class Asked:
    """One explorer while something is asked. Everything raises EndpointFault."""

    def __init__(self, all: Explorers, endpoint: Endpoint, parameters: dict[str, str]) -> None:
        self._all, self._endpoint, self._parameters = all, endpoint, parameters

    async def rows(self, of: type[T], **parameters: str | int) -> list[T]:
        """The rows that an action answers."""
        answer = await self._answer(parameters)
        if isinstance(answer.result, list):
            return _converted(answer.result, list[of])  # type: ignore[valid-type]
        if answer.message.startswith("No ") and not answer.result:
            return []
        raise self._fault(answer)

    async def number(self, **parameters: str | int) -> int:
        """The number that an action answers, as nodes write numbers."""
        answer = await self._answer(parameters)
        try:
            return int(answer.result, 16)
        except (TypeError, ValueError):
            raise self._fault(answer) from None

    async def _answer(self, parameters: dict[str, str | int]) -> Answer:
        asked = self._parameters | {name: str(value) for name, value in parameters.items()}
        self._all.calls += 1
        return await self._endpoint.get("", Answer, params=asked, headers={})

    def _fault(self, answer: Answer) -> EndpointFault:
        """What a refusal inside a 200 means."""
        said = f"{answer.message} {answer.result if isinstance(answer.result, str) else ''}".strip()
        words = said.lower()
        for secret in self._parameters.values():
            said = said.replace(secret, "…")
        for sign, fault in _FAULTS:
            if sign in words:
                return fault(f"It answers: {said[:200]}")
        return Garbled(f"It answers neither rows nor a number: {said[:200]}")


#: What explorers write, and what it means; the first that fits.
_FAULTS: Final[tuple[tuple[str, type[EndpointFault]], ...]] = (
    ("rate limit", Overloaded),
    ("max calls per sec", Overloaded),
    ("too many requests", Overloaded),
    ("daily", Refused),
    ("api key", Refused),
    ("apikey", Refused),
    ("timeout", Unreachable),
    ("timed out", Unreachable),
    ("busy", Unreachable),
    ("result window", Unsupported),
    ("unknown module", Unsupported),
    ("unknown action", Unsupported),
    ("deprecated", Unsupported),
)


def _converted(rows: Any, of: type[T]) -> T:
    try:
        return msgspec.convert(rows, of, strict=False)
    except msgspec.ValidationError as error:
        raise Garbled(f"Its rows are not what was asked for: {error}.") from error
