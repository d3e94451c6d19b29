"""How the nodes of followed chains are doing, told as it changes."""

import msgspec
import strawberry

from graph_api.domain.events import Line
from graph_api.domain.ids import ChainId
from graph_api.live.hub import Told
from graph_api.live.interests import Interest
from graph_api.schema.context import Context
from graph_api.schema.feeds import feed
from graph_api.schema.progress import said_on
from graph_api.schema.scanning import ChainNode
from graph_api.schema.subscriptions import LiveEvent
from graph_api.services.scanning import Endpoint


@strawberry.type(description="A follower said how the nodes of its chain are doing.")
class ProviderStatus(LiveEvent):
    """All of them, as they were then."""

    chain_id: ChainId = strawberry.field(description="The chain that they serve, CAIP-2.")
    nodes: list[ChainNode] = strawberry.field(
        description="Each node that the follower asks, in the order of its settings."
    )

    @classmethod
    def of(cls, told: Told) -> "ProviderStatus":
        """As clients see it."""
        said = msgspec.convert(told.event.body["endpoints"], list[Endpoint])
        return cls(
            cursor=told.cursor_text,
            at=told.at,
            chain_id=ChainId(told.event.chain),
            nodes=[ChainNode.of(one) for one in said],
        )


async def _providers(context: Context, *, chain: ChainId | None = None) -> Interest:
    return said_on(Line.PROVIDERS, context, chain)


@strawberry.type
class ProviderSubscription:
    """Nodes of chains."""

    provider_status: ProviderStatus = feed(
        _providers,
        of=ProviderStatus.of,
        arguments={"chain": "Only of this chain; of all that are followed when not given."},
        description=(
            "How nodes are doing: at first as followers said it last, then as it changes, at most "
            "once a second for each chain."
        ),
        shared=True,
    )
