"""What came by webhooks: hooks, dead letters, and what to do about them."""

from datetime import datetime

import strawberry

from graph_api.domain.webhooks import Sender
from graph_api.schema.changes import change
from graph_api.schema.paging import Connection
from graph_api.schema.steps import batched, root
from graph_api.services import inbox
from graph_api.vault.inbox import Delivery, DeliveryState, HookState

strawberry.enum(Sender, name="WebhookSender", description="Who sends calls that are understood.")
strawberry.enum(
    DeliveryState, name="DeliveryState", description="What became of a call that was accepted."
)

_ID = "The delivery's `deliveryId`."


@strawberry.type(description="One call of a webhook, as it was accepted.")
class WebhookDelivery:
    """A body and what became of it."""

    delivery_id: str = strawberry.field(description="Its id, to replay or drop it by.")
    sender: Sender = strawberry.field(description="Who sent it.")
    hook: str = strawberry.field(description="The hook that it came by.")
    state: DeliveryState = strawberry.field(description="What became of it.")
    reason: str | None = strawberry.field(
        description="Why it is a dead letter; null unless it is one."
    )
    attempts: int = strawberry.field(description="How many workers began it since it last waited.")
    size: int = strawberry.field(description="Size of its body, bytes.")
    said_at: datetime | None = strawberry.field(
        description="When its sender made it, where the sender says so."
    )
    received_at: datetime = strawberry.field(description="When it was accepted.")
    finished_at: datetime | None = strawberry.field(
        description="When it was worked off or set aside; null while it waits."
    )

    body: str | None = batched(
        inbox.texts,
        key="delivery_id",
        cost=5,
        description=(
            f"What was sent, as text, up to {inbox.MAX_SHOWN:,} bytes; what is no UTF-8 is "
            "replaced."
        ),
    )

    @classmethod
    def of(cls, row: Delivery) -> "WebhookDelivery":
        """As clients see it."""
        return cls(
            delivery_id=row.id,
            sender=row.sender,
            hook=row.hook,
            state=row.state,
            reason=row.reason,
            attempts=row.attempts,
            size=row.size,
            said_at=row.said_at,
            received_at=row.received_at,
            finished_at=row.finished_at,
        )


@strawberry.type(description="A hook that has accepted calls.")
class Webhook:
    """How much of it is not worked off."""

    sender: Sender = strawberry.field(description="Whose calls it takes.")
    hook: str = strawberry.field(description="Its name, as its address ends.")
    waiting: int = strawberry.field(description="Calls that wait to be worked off.")
    dead: int = strawberry.field(description="Dead letters.")
    oldest_at: datetime | None = strawberry.field(
        description="When the call came that waits longest; null while none waits."
    )

    @classmethod
    def of(cls, row: HookState) -> "Webhook":
        """As clients see it."""
        return cls(
            sender=row.sender,
            hook=row.hook,
            waiting=row.waiting,
            dead=row.dead,
            oldest_at=row.oldest_at,
        )


@strawberry.type
class InboxQuery:
    """What came by webhooks."""

    webhooks: list[Webhook] = root(
        inbox.hooks,
        of=Webhook.of,
        description="Hooks of the workspace that have accepted calls.",
    )
    dead_letters: Connection[WebhookDelivery] = root(
        inbox.dead_letters,
        of=WebhookDelivery.of,
        arguments={"sender": "Only calls of this sender.", "hook": "Only calls of this hook."},
        description="Calls that could not be read, or not wholly, the newest first.",
    )


@strawberry.type
class InboxMutation:
    """What to do about dead letters."""

    replay_delivery: WebhookDelivery = change(
        inbox.replay,
        of=WebhookDelivery.of,
        arguments={"id": _ID},
        description=(
            "Let a call wait again, behind all others of its hook. What of it is in the graph "
            "already changes nothing."
        ),
    )
    drop_dead_letter: WebhookDelivery = change(
        inbox.drop,
        of=WebhookDelivery.of,
        arguments={"id": _ID},
        description="Give a dead letter up: it is kept for a while and not worked off any more.",
    )
