"""What the economy's public knows of it: a desk registry and a TagPack, both of invented names."""

from pathlib import Path
from typing import Any, Final

import yaml

from deskgraph.sample import cast
from deskgraph.sample.exchanges import Exchange
from deskgraph.sample.founding import Market
from deskgraph.sample.world import MINING_POOL, World

_DISCLAIMER: Final = (
    "# Part of the sample economy of deskgraph: every name is invented, every address is made of\n"
    "# a seed, and nobody real is meant.\n"
)
_LEARNED: Final = "2026-01-01"


def write_labels(
    folder: Path, world: World, market: Market, exchanges: list[Exchange]
) -> list[Path]:
    """The registry and the pack; the unlisted desk is in neither."""
    registry, pack = folder / "labels" / "desks.yaml", folder / "labels" / "tagpack.yaml"
    _write(registry, _registry(world, exchanges))
    _write(pack, _pack(world, market))
    return [registry, pack]


def _registry(world: World, exchanges: list[Exchange]) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "Sample economy: desk registry",
        "lastmod": _LEARNED,
        "sources": {"sample": {"confidence": "ownership"}},
        "actors": [
            *(
                _actor(desk.name, "otc_desk", [(world.wallet(desk.name), "settlement")], world)
                for desk in cast.DESKS
                if desk.listed
            ),
            *(
                _actor(name, "market_maker", [(world.wallet(name), "inventory")], world)
                for name in cast.MARKET_MAKERS
            ),
            *(
                _actor(
                    exchange.name,
                    "exchange",
                    [
                        (exchange.hot[0], "hot_wallet"),
                        (exchange.hot[1], "hot_wallet"),
                        (exchange.cold, "cold_wallet"),
                    ],
                    world,
                )
                for exchange in exchanges
            ),
        ],
    }


def _actor(name: str, kind: str, wallets: list[tuple[str, str]], world: World) -> dict[str, Any]:
    categories = ("hot_wallet", "cold_wallet")
    listed = {
        "ethereum": [
            {
                "address": address,
                "label": f"{name}: {role.replace('_', ' ')}",
                "category": role if role in categories else kind,
                "source": "sample",
            }
            for address, role in wallets
        ]
    }
    if name in world.purses:
        listed["bitcoin"] = [
            {
                "address": world.purses[name].addresses[0],
                "label": f"{name}: bitcoin",
                "category": kind,
                "source": "sample",
            }
        ]
    return {"id": cast.slug(name), "name": name, "type": kind, "wallets": listed}


def _pack(world: World, market: Market) -> dict[str, Any]:
    contracts = [
        (market.mixer.address, "Fogbank Mixer", "mixing_service"),
        (market.bridge, "Causeway Bridge", "defi_bridge"),
        *((pool.address, f"Lanternswap pool {number}", "defi_dex")
          for number, pool in enumerate(market.pools, 1)),
        *((router, f"Lanternswap router {number}", "defi_dex")
          for number, router in enumerate(dict.fromkeys(p.router for p in market.pools), 1)),
    ]  # fmt: skip
    return {
        "title": "Sample economy: TagPack",
        "creator": "deskgraph sample generator",
        "lastmod": _LEARNED,
        "network": "ETH",
        "source": "invented",
        "confidence": "ownership",
        "tags": [
            {"address": address, "label": label, "concepts": [concept]}
            for address, label, concept in contracts
        ]
        + [
            {
                "address": world.purses[MINING_POOL].addresses[0],
                "label": MINING_POOL,
                "network": "BTC",
                "concepts": ["mining_service"],
            },
            *(
                {
                    "address": duster,
                    "label": "Dusting wallet",
                    "concepts": ["spam"],
                    "confidence": "heuristic",
                }
                for duster in world.truth.dusters
            ),
        ],
    }


def _write(path: Path, said: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(_DISCLAIMER + text, encoding="utf-8", newline="\n")
