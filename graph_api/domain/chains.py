"""The chain table: every chain this graph knows, one row each."""

from enum import StrEnum
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput


class Family(StrEnum):
    """How a chain keeps value; decides addresses, identity and where balances come from."""

    EVM = "evm"
    SOLANA = "solana"
    UTXO = "utxo"


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """One chain.

    ``id`` is CAIP-2, ``native`` CAIP-19; ``finality_depth`` counts blocks after which a block is
    treated as final.
    """

    id: str
    slug: str
    name: str
    family: Family
    native: str
    symbol: str
    decimals: int
    finality_depth: int
    aliases: tuple[str, ...] = ()


def _evm(
    number: int, slug: str, name: str, *, symbol: str, slip44: int, finality: int, aliases: str = ""
) -> Chain:
    return Chain(
        id=f"eip155:{number}",
        slug=slug,
        name=name,
        family=Family.EVM,
        native=f"eip155:{number}/slip44:{slip44}",
        symbol=symbol,
        decimals=18,
        finality_depth=finality,
        aliases=(str(number), *aliases.split()),
    )


# Coin types: SLIP-0044. Chain ids: the EIP-155 registry. Finality: two epochs on Ethereum, and
# what exchanges commonly wait for elsewhere.
CHAINS: Final = (
    _evm(1, "ethereum", "Ethereum", symbol="ETH", slip44=60, finality=64, aliases="eth mainnet"),
    _evm(56, "bsc", "BNB Smart Chain", symbol="BNB", slip44=714, finality=15, aliases="bnb"),
    _evm(
        137, "polygon", "Polygon PoS", symbol="POL", slip44=966, finality=128, aliases="matic pol"
    ),
    _evm(100, "gnosis", "Gnosis Chain", symbol="XDAI", slip44=700, finality=64, aliases="xdai"),
    _evm(42161, "arbitrum", "Arbitrum One", symbol="ETH", slip44=60, finality=1200, aliases="arb"),
    _evm(10, "optimism", "OP Mainnet", symbol="ETH", slip44=60, finality=900, aliases="op"),
    _evm(8453, "base", "Base", symbol="ETH", slip44=60, finality=900),
    _evm(42220, "celo", "Celo", symbol="CELO", slip44=52752, finality=64),
    Chain(
        id="solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
        slug="solana",
        name="Solana",
        family=Family.SOLANA,
        native="solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501",
        symbol="SOL",
        decimals=9,
        finality_depth=32,
        aliases=("sol",),
    ),
    Chain(
        id="bip122:000000000019d6689c085ae165831e93",
        slug="bitcoin",
        name="Bitcoin",
        family=Family.UTXO,
        native="bip122:000000000019d6689c085ae165831e93/slip44:0",
        symbol="BTC",
        decimals=8,
        finality_depth=6,
        aliases=("btc", "xbt"),
    ),
)

EVM_CHAINS: Final = tuple(chain for chain in CHAINS if chain.family is Family.EVM)

_BY_NAME: Final = {
    name: chain for chain in CHAINS for name in (chain.id.lower(), chain.slug, *chain.aliases)
}


def chain_of(name: str) -> Chain:
    """The chain called ``name``: a CAIP-2 id, a slug or an alias, in any letter case.

    Raises: BadInput when the table has no such chain.
    """
    chain = _BY_NAME.get(name.strip().lower())
    if chain is None:
        known = ", ".join(chain.slug for chain in CHAINS)
        raise BadInput(f"Unknown chain {name!r}; use one of {known}, or a CAIP-2 id.")
    return chain
