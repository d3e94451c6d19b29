"""Decimals of the tokens that most value moves in, so that whole units can be read exactly.

Source: ``decimals()`` of each contract, as the explorers of the chains show it. A token's own row
in the graph comes before this list.
"""

from collections.abc import Iterator
from typing import Final

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import TokenId, token_id

#: By chain: decimals, then addresses (with the symbol for the reader).
_KNOWN: Final = {
    "ethereum": """
        2  0x056Fd409E1d7A124BD7017459dFEa2F387b6d5Cd GUSD
        6  0xdAC17F958D2ee523a2206206994597C13D831ec7 USDT
        6  0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 USDC
        6  0x1aBaEA1f7C830bD89Acc67eC4af516284b1bC33c EURC
        6  0x6c3ea9036406852006290770BEdFcAbA0e23A0e8 PYUSD
        6  0xa693B19d2931d498c5B318dF961919BB4aee87a5 UST
        8  0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599 WBTC
        18 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2 WETH
        18 0x6B175474E89094C44Da98b954EedeAC495271d0F DAI
        18 0x4Fabb145d64652a948d72533023f6E7A623C7C53 BUSD
        18 0x0000000000085d4780B73119b644AE5ecd22b376 TUSD
        18 0x8E870D67F660D95d5be530380D0eC0bd388289E1 USDP
        18 0x853d955aCEf822Db058eb8505911ED77F175b99e FRAX
        18 0xa47c8bf37f92aBed4A126BDA807A7b7498661acD UST
        18 0x514910771AF9Ca656af840dff83E8264EcF986CA LINK
        18 0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984 UNI
        18 0x9f8F72aA9304c8B593d555F12eF6589cC3A579A2 MKR
        18 0x7Fc66500c84A76Ad7e9c93437bFc5Ac33E2DDaE9 AAVE
        18 0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84 stETH
        18 0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0 wstETH
        18 0x95aD61b0a150d79219dCF64E1E6Cc01f0B64C4cE SHIB
    """,
    "bsc": """
        18 0x55d398326f99059fF775485246999027B3197955 USDT
        18 0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d USDC
        18 0xe9e7CEA3DedcA5984780Bafc599bD69ADd087D56 BUSD
        18 0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095c WBNB
        18 0x2170Ed0880ac9A755fd29B2688956BD959F933F8 ETH
        18 0x7130d2A12B9BCbFAe4f2634d864A1Ee1Ce3Ead9c BTCB
    """,
    "polygon": """
        6  0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174 USDC.e
        6  0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359 USDC
        6  0xc2132D05D31c914a87C6611C10748AEb04B58e8F USDT
        8  0x1BFD67037B42Cf73acF2047067bd4F2C47D9BfD6 WBTC
        18 0x8f3Cf7ad23Cd3CaDbD9735AFf958023239c6A063 DAI
        18 0x7ceB23fD6bC0adD59E62ac25578270cFf1b9f619 WETH
        18 0x0d500B1d8E8eF31E21C99d1Db9A6444d3ADf1270 WPOL
    """,
    "gnosis": """
        6  0xDDAfbb505ad214D7b80b1f830fcCc89B60fb7A83 USDC
        6  0x4ECaBa5870353805a9F068101A40E0f32ed605C6 USDT
        18 0xe91D153E0b41518A2Ce8Dd3D7944Fa863463a97d WXDAI
    """,
    "arbitrum": """
        6  0xaf88d065e77c8cC2239327C5EDb3A432268e5831 USDC
        6  0xFF970A61A04b1cA14834A43f5dE4533eBDDB5CC8 USDC.e
        6  0xFd086bC7CD5C481DCC9C85ebE478A1C0b69FCbb9 USDT
        8  0x2f2a2543B76A4166549F7aaB2e75Bef0aefC5B0f WBTC
        18 0x82aF49447D8a07e3bd95BD0d56f35241523fBab1 WETH
        18 0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1 DAI
    """,
    "optimism": """
        6  0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85 USDC
        6  0x7F5c764cBc14f9669B88837ca1490cCa17c31607 USDC.e
        6  0x94b008aA00579c1307B0EF2c499aD98a8ce58e58 USDT
        18 0x4200000000000000000000000000000000000006 WETH
        18 0xDA10009cBd5D07dd0CeCc66161FC93D7c9000da1 DAI
    """,
    "base": """
        6  0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913 USDC
        18 0x4200000000000000000000000000000000000006 WETH
    """,
    "celo": """
        6  0xcebA9300f2b948710d2653dD7B07f33A8B32118C USDC
        18 0x765DE816845861e75A25fCA122bb6898B8B1282a cUSD
        18 0xD8763CBa276a3738E6DE85b4b3bF5FDed6D6cA73 cEUR
    """,
}


def known_decimals() -> dict[str, int]:
    """Decimals by token id."""
    return dict(_rows())


def _rows() -> Iterator[tuple[TokenId, int]]:
    for name, table in _KNOWN.items():
        chain = chain_of(name)
        for line in table.strip().splitlines():
            decimals, address, _ = line.split()
            yield token_id(chain, address), int(decimals)
