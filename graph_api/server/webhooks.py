"""The door for calls of others: a genuine body is on record in the vault before it is accepted.

Nothing is understood here. ``ingest`` takes the bodies up and writes what they tell.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph_api.domain.errors import ErrorCode, GraphApiError
from graph_api.domain.principals import LOCAL
from graph_api.domain.webhooks import Call, Sender, Stale, call_of, is_genuine, require_fresh
from graph_api.server.limits import CLOSE
from graph_api.server.refusals import JSON, Refusal
from graph_api.settings import WebhookSettings
from graph_api.vault import inbox
from graph_api.vault.ids import new_id
from graph_api.vault.vault import Vault

PREFIX: Final = "/webhooks/"
_SENDERS: Final = {sender.value: sender for sender in Sender}
_RETRY: Final = (b"retry-after", b"5")

log = structlog.get_logger("graph_api.server")


def webhook_route(
    settings: WebhookSettings, *, vault: Callable[[], Vault], clock: Callable[[], datetime]
) -> Route:
    """The route of all hooks. ``vault`` is asked for while requests are answered."""
    door = _Door(settings, vault=vault, clock=clock)
    return Route(f"{PREFIX}{{sender}}/{{hook}}", door.receive, methods=["POST"])


class _Door:
    """Verifies, then stores, then says so."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        vault: Callable[[], Vault],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings, self._vault, self._clock = settings, vault, clock

    async def receive(self, request: Request) -> Response:
        """Answer one call. Raises: Refusal."""
        sender, hook, secrets = self._hook(request)
        body = await self._body(request)
        proof = request.headers.get(sender.header, "").encode("latin-1")
        # Not before they are needed: what is in a variable shows up in a trace.
        if not is_genuine(sender, body, proof, [one.get_secret_value() for one in secrets]):
            raise Refusal(
                401,
                f"The header {sender.header} does not prove this call; check the hook's secret.",
                code=ErrorCode.UNAUTHENTICATED,
            )
        call = call_of(sender, body)
        if call.test:
            return _answer(stored=False)
        now = self._clock()
        try:
            require_fresh(call, now=now, window=timedelta(hours=self._settings.max_age_h))
        except Stale as stale:
            raise Refusal(401, str(stale), code=ErrorCode.UNAUTHENTICATED) from stale
        return _answer(stored=await self._store(sender, hook, body, call, now=now))

    def _hook(self, request: Request) -> tuple[Sender, str, Sequence[SecretStr]]:
        name, hook = request.path_params["sender"], request.path_params["hook"]
        sender = _SENDERS.get(name)
        secrets = self._settings.secrets(sender, hook) if sender is not None else ()
        if sender is None or not secrets:
            raise Refusal(404, "There is no such webhook here.", code=ErrorCode.NOT_FOUND)
        return sender, hook, secrets

    async def _body(self, request: Request) -> bytes:
        """The raw body; how large it may be is watched over while it comes."""
        limit_s = self._settings.body_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await request.body()
        except TimeoutError:
            raise Refusal(
                408, f"The body did not come within {limit_s:g} s; send it again.", headers=[CLOSE]
            ) from None

    async def _store(
        self, sender: Sender, hook: str, body: bytes, call: Call, *, now: datetime
    ) -> bool:
        try:
            async with asyncio.timeout(self._settings.store_timeout_s):
                return await inbox.accept(
                    self._vault(),
                    LOCAL,
                    body,
                    id=new_id(now),
                    sender=sender,
                    hook=hook,
                    call=call,
                    now=now,
                )
        except (TimeoutError, GraphApiError) as error:
            log.error("webhook not stored", sender=sender.value, hook=hook, exc_info=error)
            raise Refusal(
                503,
                "The call cannot be kept at the moment; send it again.",
                code=ErrorCode.UPSTREAM_UNAVAILABLE,
                headers=[_RETRY],
            ) from error


def _answer(*, stored: bool) -> Response:
    body = b'{"stored":true}' if stored else b'{"stored":false}'
    return Response(body, media_type=JSON.decode())
