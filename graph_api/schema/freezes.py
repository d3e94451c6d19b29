"""What issuers of tokens do to wallets, told in the block in which they do it."""

from collections.abc import Collection
from datetime import datetime

import strawberry

from graph_api.domain.events import Line, Topic
from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.domain.principals import Principal
from graph_api.domain.records import FreezeKind
from graph_api.live.hub import Told
from graph_api.live.interests import CHAIN, Interest
from graph_api.schema.context import Context
from graph_api.schema.feeds import Argument, feed
from graph_api.schema.ledger import Token, Wallet
from graph_api.schema.scalars import BigInt, big_int
from graph_api.schema.steps import batched
from graph_api.schema.subscriptions import MOST, LiveEvent, Names, interest, names
from graph_api.schema.watching import MOST_LISTS, watched
from graph_api.store import tokens, wallets
from graph_api.store.records import moment

strawberry.enum(FreezeKind, description="What an issuer did to a wallet.")


@strawberry.type(description="An issuer froze or freed a wallet, or destroyed what it held.")
class FreezeEvent(LiveEvent):
    """What was done to whom, and whether that stands."""

    kind: FreezeKind = strawberry.field(
        description="FROZEN, FREED, or SEIZED: what a frozen wallet held was destroyed."
    )
    retracted: bool = strawberry.field(
        description="True where its block is no part of the chain any more: it did not happen."
    )
    wallet_id: AccountId = strawberry.field(description="CAIP-10 id of the wallet.")
    token_id: TokenId = strawberry.field(description="CAIP-19 id of the token.")
    issuer: str = strawberry.field(description="Who issues the token: `Tether`, `Circle` …")
    amount_raw: BigInt | None = strawberry.field(
        description="What was destroyed, in base units; null where the log does not say."
    )
    transaction_id: str = strawberry.field(
        description="Chain and hash of the transaction that carries it."
    )
    block_number: int = strawberry.field(description="Its block.")
    block_time: datetime = strawberry.field(description="When it happened.")

    wallet: Wallet | None = batched(
        wallets.by_ids,
        key="wallet_id",
        of=Wallet.of,
        description="The wallet; null once nothing is known of it any more.",
    )
    token: Token | None = batched(
        tokens.by_ids,
        key="token_id",
        of=Token.of,
        description="The token; null while no transfer of it is loaded.",
    )

    @classmethod
    def of(cls, told: Told) -> "FreezeEvent":
        """As clients see it."""
        body, topic = told.event.body, told.event.topic
        retracted = topic is Topic.WALLET_RETRACTED
        was = Topic(body["was"]) if retracted else topic
        return cls(
            cursor=told.cursor_text,
            at=told.at,
            kind=_KINDS[was],
            retracted=retracted,
            wallet_id=AccountId(body["wallet"]),
            token_id=TokenId(body["token"]),
            issuer=body["issuer"],
            amount_raw=big_int(body["amount_raw"]),
            transaction_id=body["transaction"],
            block_number=body["block_number"],
            block_time=moment(body["block_time"]),
        )


_KINDS = {
    Topic.WALLET_FROZEN: FreezeKind.FROZEN,
    Topic.WALLET_FREED: FreezeKind.FREED,
    Topic.WALLET_SEIZED: FreezeKind.SEIZED,
}

FreezeWish = tuple[Names, Names, Names, Names]


@strawberry.input(
    name="FreezeFilter",
    description=f"Which acts are told; all conditions must hold. Lists take up to {MOST:,}.",
)
class FreezeFilterInput:
    """Conditions of a subscription to acts of issuers."""

    chains: list[ChainId] | None = strawberry.field(
        default=None, description="Only on these chains."
    )
    wallets: list[AccountId] | None = strawberry.field(
        default=None, description="Only on one of these."
    )
    tokens: list[TokenId] | None = strawberry.field(default=None, description="Only of these.")
    watchlists: list[str] | None = strawberry.field(
        default=None,
        description=(
            f"Only on wallets, or of tokens, that are on one of these watchlists, up to "
            f"{MOST_LISTS}. Changes of the lists are followed while the subscription lasts."
        ),
    )

    def asked(self) -> FreezeWish:
        """The conditions. Raises: BadInput."""
        return (
            names("chains", self.chains),
            names("wallets", self.wallets),
            names("tokens", self.tokens),
            names("watchlists", self.watchlists),
        )


async def _freezes(
    context: Context, *, filter: FreezeWish | None = None, principal: Principal
) -> Interest:
    chains, accounts, of_tokens, lists = filter or (None, None, None, None)

    def build(on_lists: Collection[str] | None, fields: tuple[str, ...]) -> Interest:
        named = (
            (accounts, ("wallet",)),
            (on_lists, fields),
            (of_tokens, ("token",)),
            (chains, (CHAIN,)),
        )
        return interest(Line.WALLETS, named, [])

    return await watched(
        context, lists, principal=principal, build=build, fields=("wallet", "token")
    )


@strawberry.type
class FreezeSubscription:
    """What issuers do."""

    freezes: FreezeEvent = feed(
        _freezes,
        of=FreezeEvent.of,
        arguments={
            "filter": Argument(
                "Conditions that all must hold; everything when not given.",
                type=FreezeFilterInput | None,
            )
        },
        description=(
            "What issuers of stablecoins do to wallets, in the block in which they do it; what a "
            "chain takes back is told as well."
        ),
        shared=True,
    )
