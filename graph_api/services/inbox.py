"""What webhooks brought and nobody could read: dead letters, and playing them again."""

from datetime import datetime

from graph_api.domain.errors import BadInput
from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.domain.webhooks import Sender
from graph_api.services.places import placed, window
from graph_api.vault import inbox
from graph_api.vault.inbox import Delivery, DeliveryState, HookState
from graph_api.vault.vault import Door, Vault

#: How much of a body is shown as text.
MAX_SHOWN = 100_000


async def dead_letters(
    vault: Vault,
    *,
    page: Page,
    principal: Principal,
    sender: Sender | None = None,
    hook: str | None = None,
) -> Slice[Delivery]:
    """The workspace's dead letters, the newest first; of one sender or hook where it is named."""
    found = await inbox.history(
        vault,
        principal,
        window(page),
        states=(DeliveryState.DEAD,),
        sender=sender,
        hook=hook,
    )
    return placed(found, lambda one: (one.received_at, one.id))


async def texts(vault: Vault, deliveries: list[str], *, principal: Principal) -> dict[str, str]:
    """What was sent, as text; bytes that are no UTF-8 are shown as the replacement character."""
    found = await inbox.bodies(vault, principal, deliveries)
    return {id: body[:MAX_SHOWN].decode(errors="replace") for id, body in found.items()}


async def hooks(vault: Vault, *, principal: Principal) -> list[HookState]:
    """Every hook that ever accepted a body."""
    return await inbox.hook_states(vault, principal)


async def replay(vault: Door, *, id: str, principal: Principal) -> Delivery:
    """Let a body wait again. Raises: NotFound."""
    return await inbox.replay(vault, principal, _checked(id))


async def drop(vault: Door, *, id: str, principal: Principal, now: datetime) -> Delivery:
    """Give a dead letter up. Raises: NotFound, BadInput."""
    return await inbox.drop(vault, principal, _checked(id), now=now)


def _checked(id: str) -> str:
    if not 1 <= len(id) <= 60 or not id.isprintable():
        raise BadInput("The id of a delivery has 1 to 60 printable characters.")
    return id
