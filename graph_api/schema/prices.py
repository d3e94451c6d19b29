"""Assets and what they cost, as GraphQL types; what tokens stand for and transfers were worth."""

from datetime import datetime
from decimal import Decimal

import strawberry

from graph_api.domain.events import Line
from graph_api.live.hub import Told
from graph_api.live.interests import Interest
from graph_api.schema.feeds import feed
from graph_api.schema.ledger import Token, Transfer
from graph_api.schema.steps import batched, extends, root
from graph_api.schema.subscriptions import LiveEvent
from graph_api.services import prices as pricing
from graph_api.services.prices import Known
from graph_api.store import prices, tokens
from graph_api.store.graph import Graph
from graph_api.store.prices import AssetRow, Valuation
from graph_api.store.records import moment
from graph_api.store.tokens import TokenRow


async def _tokens_of(graph: Graph, ids: list[str]) -> dict[str, list[TokenRow]]:
    """The loaded tokens that stand for each asset."""
    named = await prices.tokens_of(graph, ids)
    rows = await tokens.by_ids(graph, [token for some in named.values() for token in some])
    return {
        asset: [rows[token] for token in some if token in rows] for asset, some in named.items()
    }


@strawberry.type(description="What tokens of several chains stand for: USDC is one on all of them.")
class Asset:
    """Its name, and what it costs now."""

    asset_id: str = strawberry.field(description="A slug, such as `ethereum` or `usd-coin`.")
    symbol: str = strawberry.field(description="What exchanges call it.")
    usd: Decimal | None = strawberry.field(
        description="US dollars for a whole unit, the newest price; null while none is known."
    )
    usd_at: datetime | None = strawberry.field(description="Since when that is known.")
    usd_source: str | None = strawberry.field(
        description="Who says so; several that agree are joined by `+`."
    )
    tokens: list[Token] = batched(
        _tokens_of,
        key="asset_id",
        of=Token.of,
        description="The loaded tokens that stand for it, by their contracts.",
    )

    @classmethod
    def of(cls, row: AssetRow) -> "Asset":
        """As clients see it."""
        return cls(
            asset_id=row.id,
            symbol=row.symbol,
            usd=None if row.usd is None else Decimal(row.usd),
            usd_at=row.at,
            usd_source=row.source,
        )


@strawberry.type(description="What an asset cost at a moment, as far as it was known then.")
class AssetPrice:
    """The price, who says so and how old it is."""

    asset_id: str = strawberry.field(description="Id of the asset.")
    usd: Decimal = strawberry.field(description="US dollars for a whole unit.")
    at: datetime = strawberry.field(description="Since when it is known.")
    source: str = strawberry.field(
        description="Who says so; several that agree are joined by `+`, and it is their median."
    )
    age_s: float = strawberry.field(
        description="How old it was at the moment that was asked for, seconds."
    )
    asset: Asset | None = batched(
        prices.by_ids, key="asset_id", of=Asset.of, description="The asset."
    )

    @classmethod
    def of(cls, row: Known) -> "AssetPrice":
        """As clients see it."""
        return cls(asset_id=row.asset, usd=row.usd, at=row.at, source=row.source, age_s=row.age_s)


@strawberry.type(description="What a transfer was priced by.")
class TransferValue:
    """Its value and where that comes from."""

    usd: float = strawberry.field(description="Value in US dollars, to a millionth.")
    at: datetime = strawberry.field(
        description="Since when the price was known; never after the transfer."
    )
    source: str = strawberry.field(description="Who says so, several joined by `+`.")

    @classmethod
    def of(cls, row: Valuation) -> "TransferValue":
        """As clients see it."""
        return cls(usd=row.usd, at=row.at, source=row.source)


@extends(Transfer)
class TransferValues:
    """Where the value of a transfer comes from."""

    value: TransferValue | None = batched(
        prices.of_transfers,
        key="transfer_id",
        of=TransferValue.of,
        description="What `usd` was worked out from; null until priced.",
    )


@extends(Token)
class TokenAssets:
    """What a token stands for."""

    asset: Asset | None = batched(
        prices.of_tokens,
        key="token_id",
        of=Asset.of,
        description="What it stands for, by its contract; null where nobody vouches for it.",
    )


@strawberry.type
class PriceQuery:
    """What assets cost."""

    assets: list[Asset] = root(
        pricing.assets,
        of=Asset.of,
        description="Every asset that is priced here.",
    )
    price: AssetPrice | None = root(
        pricing.price,
        of=AssetPrice.of,
        arguments={
            "asset": "Its id or symbol, in any letter case.",
            "at": "As it was known then; now when not given.",
        },
        description=(
            "What an asset costs, or cost; null where no price was known by then, or `assets` has "
            "none of that name."
        ),
    )
    prices: list[AssetPrice] = root(
        pricing.several,
        of=AssetPrice.of,
        arguments={"assets": "Ids or symbols, up to 100; all of them when not given."},
        description="What assets cost now; unknown ones and those without a price are left out.",
    )


@strawberry.type(description="An asset has a new price.")
class PriceTick(LiveEvent):
    """The price and who says so."""

    asset_id: str = strawberry.field(description="Id of the asset.")
    symbol: str = strawberry.field(description="What exchanges call it.")
    usd: Decimal = strawberry.field(description="US dollars for a whole unit.")
    usd_at: datetime = strawberry.field(description="Since when that is known.")
    source: str = strawberry.field(
        description="Who says so; several that agree are joined by `+`, and it is their median."
    )
    asset: Asset | None = batched(
        prices.by_ids, key="asset_id", of=Asset.of, description="The asset."
    )

    @classmethod
    def of(cls, told: Told) -> "PriceTick":
        """As clients see it."""
        body = told.event.body
        return cls(
            cursor=told.cursor_text,
            at=told.at,
            asset_id=body["asset"],
            symbol=body["symbol"],
            usd=Decimal(body["usd"]),
            usd_at=moment(body["at"]),
            source=body["source"],
        )


async def _ticks(graph: Graph, *, assets: list[str] | None = None) -> Interest:
    named = None if assets is None else frozenset(await pricing.ids_of(graph, assets))
    return Interest(line=Line.PRICES, fields=("asset",), values=named)


@strawberry.type
class PriceSubscription:
    """What assets cost, as it changes."""

    prices: PriceTick = feed(
        _ticks,
        of=PriceTick.of,
        arguments={"assets": "Ids or symbols, up to 100; all of them when not given."},
        description="Prices of assets as they change.",
    )
