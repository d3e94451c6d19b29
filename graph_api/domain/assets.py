"""Assets: what tokens of several chains stand for, so that USDC on two chains is one thing.

A token counts for an asset only by its contract, never by its symbol: anybody can make one more.
"""

from typing import Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import TokenId, parse_token

#: Who says that a token stands for an asset of the table below.
TABLE: Final = "deskgraph"


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One asset.

    ``symbol`` is what exchanges call it. ``listing`` is its id at CoinGecko, and at services of
    that shape; None where it has none.
    """

    id: str
    symbol: str
    tokens: tuple[TokenId, ...]
    listing: str | None = None


def _asset(id: str, symbol: str, tokens: str, *, listing: str | None = None) -> Asset:
    return Asset(
        id=id,
        symbol=symbol,
        tokens=tuple(parse_token(text) for text in tokens.split()),
        listing=listing or id,
    )


# Coins and their wrapped forms that their own chain redeems one to one are one asset; what a bridge
# or a custodian has issued is priced as a thing of its own or not at all, since it may break away.
# Source: the issuers' lists of contracts, and the chains' own wrapped coins.
ASSETS: Final = (
    _asset("bitcoin", "BTC", "bitcoin"),
    _asset(
        "ethereum",
        "ETH",
        """ethereum arbitrum optimism base
        ethereum:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2
        arbitrum:0x82af49447d8a07e3bd95bd0d56f35241523fbab1
        optimism:0x4200000000000000000000000000000000000006
        base:0x4200000000000000000000000000000000000006""",
    ),
    _asset(
        "binancecoin",
        "BNB",
        "bsc bsc:0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c",
    ),
    _asset(
        "pol",
        "POL",
        "polygon polygon:0x0d500b1d8e8ef31e21c99d1db9a6444d3adf1270",
        listing="polygon-ecosystem-token",
    ),
    _asset(
        "solana",
        "SOL",
        "solana solana/token:So11111111111111111111111111111111111111112",
    ),
    _asset(
        "xdai",
        "XDAI",
        "gnosis gnosis:0xe91d153e0b41518a2ce8dd3d7944fa863463a97d",
    ),
    _asset("celo", "CELO", "celo"),
    _asset(
        "tether",
        "USDT",
        """ethereum:0xdac17f958d2ee523a2206206994597c13d831ec7
        solana/token:Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB""",
    ),
    _asset(
        "usd-coin",
        "USDC",
        """ethereum:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48
        polygon:0x3c499c542cef5e3811e1192ce70d8cc03d5c3359
        arbitrum:0xaf88d065e77c8cc2239327c5edb3a432268e5831
        optimism:0x0b2c639c533813f4aa9d7837caf62653d097ff85
        base:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913
        celo:0xceba9300f2b948710d2653dd7b07f33a8b32118c
        solana/token:EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v""",
    ),
    _asset("dai", "DAI", "ethereum:0x6b175474e89094c44da98b954eedeac495271d0f"),
    _asset(
        "wrapped-bitcoin",
        "WBTC",
        "ethereum:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599",
    ),
    _asset(
        "chainlink",
        "LINK",
        "ethereum:0x514910771af9ca656af840dff83e8264ecf986ca",
    ),
    _asset(
        "uniswap",
        "UNI",
        "ethereum:0x1f9840a85d5af5bf1d1762f925bdaddc4201f984",
    ),
    _asset("aave", "AAVE", "ethereum:0x7fc66500c84a76ad7e9c93437bfc5ac33e2ddae9"),
)


def asset_named(name: str, assets: tuple[Asset, ...] = ASSETS) -> Asset:
    """The asset with the id or symbol ``name``, in any letter case. Raises: BadInput."""
    wanted = name.strip().lower()
    for asset in assets:
        if wanted in (asset.id, asset.symbol.lower()):
            return asset
    known = ", ".join(asset.id for asset in assets)
    raise BadInput(f"Unknown asset {name[:60]!r}; use one of {known}.")


def of_tokens(assets: tuple[Asset, ...]) -> dict[TokenId, Asset]:
    """Which asset each token stands for. Raises: BadInput where two assets claim one token."""
    found: dict[TokenId, Asset] = {}
    for asset in assets:
        for token in asset.tokens:
            other = found.setdefault(token, asset)
            if other is not asset:
                raise BadInput(f"Both {other.id} and {asset.id} claim the token {token}.")
    return found
