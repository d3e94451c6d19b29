"""Whether the process runs, and whether it can answer: what orchestrators and doctors ask."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

from graph_api.domain.errors import GraphApiError
from graph_api.schema.status import CheckOutcome

log = structlog.get_logger("graph_api.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessCheck:
    """Something that must work before requests are sent here.

    Args:
        name: What is checked, one word (``graph``).
        probe: Returns when it works and raises when it does not.
        remedy: One sentence: what to do when it does not.
    """

    name: str
    probe: Callable[[], Awaitable[object]]
    remedy: str
    timeout_s: float = 2.0


class Health:
    """The two endpoints; probes that overlap share one round of checks."""

    def __init__(self, checks: Sequence[ReadinessCheck]) -> None:
        self.checks = tuple(checks)
        self._round: asyncio.Task[list[CheckOutcome]] | None = None

    async def live(self, _request: Request) -> Response:
        """The event loop turns; nothing else is asked."""
        return _json(200, {"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """200 when every check passes, else 503 with those that failed and how to mend them."""
        outcomes = await self.outcomes()
        ready = all(outcome.ok for outcome in outcomes)
        body = {"status": "ok" if ready else "failing", "checks": [*map(_shown, outcomes)]}
        return _json(200 if ready else 503, body)

    async def outcomes(self) -> list[CheckOutcome]:
        """What becomes of every check."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._check_all())
        return await asyncio.shield(self._round)

    async def _check_all(self) -> list[CheckOutcome]:
        return await asyncio.gather(*(_outcome(check) for check in self.checks))


async def _outcome(check: ReadinessCheck) -> CheckOutcome:
    try:
        async with asyncio.timeout(check.timeout_s):
            await check.probe()
    except TimeoutError:
        return _failed(check, f"No answer within {check.timeout_s:g} s.")
    except GraphApiError as error:
        return _failed(check, str(error))
    except Exception as error:
        # Its words may name hosts and paths: they are for the log.
        log.warning("readiness check failed", check=check.name, exc_info=error)
        return _failed(check, "It failed; the log says why.")
    return CheckOutcome(name=check.name, ok=True)


def _failed(check: ReadinessCheck, message: str) -> CheckOutcome:
    return CheckOutcome(name=check.name, ok=False, error=message, remedy=check.remedy)


def _shown(outcome: CheckOutcome) -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if value is not None}


def _json(status: int, body: dict[str, Any]) -> Response:
    headers = {"cache-control": "no-store", "content-type": "application/json"}
    return Response(orjson.dumps(body), status, headers=headers)
